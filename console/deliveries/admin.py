"""What is on its way: read only, and without payloads, which stay in the tenants' schemas."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.decorators import display

from console.readonly import ReadOnlyAdmin
from messaging.models import Delivery
from tenants.registry.models import Tenant


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
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
    ordering = ("-id",)  # made in the order of time, and indexed
    show_full_result_count = False

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

    @display(description="State", label={"claimed": "info", "retrying": "warning", "waiting": "success"})
    def shown_state(self, delivery: Delivery) -> str:
        """Claimed by a worker, waiting for the first time, or for one more."""
        if delivery.claim_id is not None:
            return "claimed"
        return "retrying" if delivery.attempts or delivery.crashes else "waiting"
