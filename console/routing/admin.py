"""Routing in the Admin: pages of ours under the model's address; episodes are read only."""

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, path

from console.readonly import ReadOnlyAdmin
from console.routing import views
from messaging.routing.models import OverflowEpisode, RoutingChoice


@admin.register(RoutingChoice)
class RoutingChoiceAdmin(ReadOnlyAdmin):
    """Which strategy is in force for whom."""

    def get_urls(self) -> list[URLPattern]:
        """All choices, and choosing. Each view checks its permissions."""
        wrap: Any = self.admin_site.admin_view
        return [
            path("", wrap(views.overview), name="messaging_routingchoice_changelist"),
            path("choose/", wrap(views.change), name="routing_choose"),
        ]


@admin.register(OverflowEpisode)
class OverflowEpisodeAdmin(ReadOnlyAdmin):
    """When a company had a queue of its own because it passed a limit; what support sees and billing may charge."""

    list_display = ("tenant", "queue_class", "trigger", "stage", "backlog", "most_waiting", "opened_at", "closed_at")
    list_filter = ("stage", "trigger", "queue_class")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name", "tenant__slug")
    ordering = ("-opened_at",)
