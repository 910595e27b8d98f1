"""What Django looks for by this name: each package's registrations, and the pages that belong to no model."""

from django.contrib import admin

from console.audit import admin as audit
from console.deadletters import admin as deadletters
from console.deliveries import admin as deliveries
from console.redriving import admin as redriving
from console.routing import admin as routing
from console.schedule import admin as schedule
from console.staff import admin as staff
from console.urls import pages

__all__ = ["audit", "deadletters", "deliveries", "redriving", "routing", "schedule", "staff"]

admin.site.index_title = "Overview"
admin.site.extra_urls = pages  # type: ignore[attr-defined]  # unfold's hook for pages that belong to no model
