"""The audit trail in the Admin: read only, for those who may."""

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, path

from audit.models import Entry
from console.audit.views import trail
from console.readonly import ReadOnlyAdmin


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Who did what to whom, when and why."""

    def get_urls(self) -> list[URLPattern]:
        """One page."""
        wrap: Any = self.admin_site.admin_view
        return [path("", wrap(trail), name="audit_entry_changelist")]
