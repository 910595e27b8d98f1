"""Support staff look at the fleet here; its operator's system is where it is changed."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from fleet.models import Call, Operator, Reservation, Unicorn


class _ReadOnly(ModelAdmin):
    """What others own is shown, not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False


@admin.register(Unicorn)
class UnicornAdmin(_ReadOnly):
    """The unicorns, and where each was last seen."""

    list_display = ("name", "number", "capacity", "speed_class", "status", "where", "seen_at")
    list_filter = ("status", "capacity", "speed_class", "operator")
    search_fields = ("name", "id", "operator_ref")
    ordering = ("number",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Unicorn]:
        """With positions, in one query."""
        queryset: QuerySet[Unicorn] = super().get_queryset(request)
        return queryset.select_related("position")

    @admin.display(description="Position")
    def where(self, unicorn: Unicorn) -> str:
        """Latitude and longitude."""
        return str(unicorn.position) if hasattr(unicorn, "position") else "never seen"

    @admin.display(description="Seen at", ordering="position__reported_at")
    def seen_at(self, unicorn: Unicorn) -> Any:
        """When it was last seen."""
        return unicorn.position.reported_at if hasattr(unicorn, "position") else None


@admin.register(Reservation)
class ReservationAdmin(_ReadOnly):
    """Who rides which unicorn when; bookings are named by their ids only."""

    list_display = ("unicorn", "during", "booking_id", "tenant_id", "reserved_at", "expires_at", "released_at")
    list_filter = (("released_at", admin.EmptyFieldListFilter),)
    list_select_related = ("unicorn",)
    search_fields = ("booking_id", "tenant_id", "unicorn__name")
    ordering = ("-reserved_at",)
    show_full_result_count = False


@admin.register(Operator)
class OperatorAdmin(_ReadOnly):
    """Who runs unicorns. Credentials are issued by `manage.py fleet_credentials`; secrets are shown nowhere."""

    list_display = ("name", "code", "webhook_url", "created_at")
    fields = ("id", "name", "code", "webhook_url", "created_at")
    search_fields = ("name", "code")
    ordering = ("code",)


@admin.register(Call)
class CallAdmin(_ReadOnly):
    """Requests for quotes: whose, until when, how many unicorns were asked. What is asked is the company's own."""

    list_display = ("id", "tenant_id", "created_at", "closes_at", "closed_at", "asked")
    list_filter = (("closed_at", admin.EmptyFieldListFilter),)
    search_fields = ("id", "tenant_id", "inquiries__id")
    ordering = ("-created_at",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        """With the number of those asked."""
        queryset: QuerySet[Call] = super().get_queryset(request)
        return queryset.annotate(number_asked=Count("inquiries"))

    @admin.display(description="Asked")
    def asked(self, call: Call) -> int:
        """How many unicorns were asked."""
        return int(call.number_asked)  # type: ignore[attr-defined]  # annotated above
