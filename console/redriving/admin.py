"""Redrive runs in the Admin: the pages under their model's address are ours, and there are no others."""

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, path

from console.readonly import ReadOnlyAdmin
from console.redriving import views
from messaging.models import RedriveRun


@admin.register(RedriveRun)
class RedriveRunAdmin(ReadOnlyAdmin):
    """Many letters sent again as one."""

    def get_urls(self) -> list[URLPattern]:
        """All runs, planning one, one run and its steering. Each view checks its permissions."""
        wrap: Any = self.admin_site.admin_view
        return [
            path("", wrap(views.runs), name="messaging_redriverun_changelist"),
            path("plan/", wrap(views.plan), name="redriving_plan"),
            path("<uuid:run_id>/change/", wrap(views.run), name="messaging_redriverun_change"),
            path("<uuid:run_id>/figures/", wrap(views.figures), name="redriving_figures"),
            path("<uuid:run_id>/<slug:act>/", wrap(views.steer), name="redriving_steer"),
        ]
