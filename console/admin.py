"""What Django looks for by this name: the console's own pages, each package's registrations, and what waits to be done."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.decorators import display

from console.readonly import ReadOnlyAdmin
from console.schedule import admin as schedule
from console.staff import admin as staff
from console.urls import pages
from messaging.models import DeadLetter, DeadLetterState, Delivery
from tenants.registry.models import Tenant

__all__ = ["schedule", "staff"]

LETTER_COLOURS = {
    DeadLetterState.OPEN.label: "danger",
    DeadLetterState.REDRIVEN.label: "success",
    DeadLetterState.DISCARDED.label: "warning",
    DeadLetterState.OBSOLETE.label: "info",
}

admin.site.index_title = "Overview"
admin.site.extra_urls = pages  # type: ignore[attr-defined]  # unfold's hook for pages that belong to no model


class _OfTenants(ReadOnlyAdmin):
    """Rows that name a tenant by its id."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """With the tenant's name, which the row does not hold."""
        name = Tenant.objects.filter(id=models.OuterRef("tenant_id")).values("name")
        rows: models.QuerySet[Any] = super().get_queryset(request).annotate(tenant_name=models.Subquery(name))
        return rows

    @display(description="Company", ordering="tenant_name", empty_value="platform")
    def company(self, row: Any) -> str | None:
        """Whose message it is."""
        name: str | None = row.tenant_name
        return name


@admin.register(Delivery)
class DeliveryAdmin(_OfTenants):
    """What is on its way."""

    list_display = (
        "handler",
        "company",
        "queue_class",
        "shown_state",
        "attempts",
        "crashes",
        "created_at",
        "not_before",
    )
    list_filter = ("queue_class", "handler")
    search_fields = ("=id", "=tenant_id", "=correlation_id", "=message_id")
    ordering = ("-created_at",)
    show_full_result_count = False

    @display(description="State", label={"claimed": "info", "retrying": "warning", "waiting": "success"})
    def shown_state(self, delivery: Delivery) -> str:
        """Claimed by a worker, waiting for the first time, or for one more."""
        if delivery.claim_id is not None:
            return "claimed"
        return "retrying" if delivery.attempts or delivery.crashes else "waiting"


@admin.register(DeadLetter)
class DeadLetterAdmin(_OfTenants):
    """What could not be done."""

    list_display = ("handler", "company", "shown_state", "reason", "error_class", "attempts", "died_at")
    list_filter = ("state", "reason", "queue_class", "handler")
    search_fields = ("=id", "=tenant_id", "=correlation_id", "fingerprint", "error_class")
    ordering = ("-died_at",)
    show_full_result_count = False

    @display(description="State", ordering="state", label=LETTER_COLOURS)
    def shown_state(self, letter: DeadLetter) -> str:
        """The state as a coloured label."""
        return str(letter.get_state_display())
