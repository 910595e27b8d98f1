"""The ride. Lives in the tenant's schema; other apps' rows are plain UUIDs."""

from django.db import models
from django.db.models import Q

from bookings.domain import MAX_PASSENGERS, MAX_TEXT
from bookings.saga import State
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.money import CURRENCIES


class BookingState(models.TextChoices):
    """The saga's states as the database knows them."""

    REQUESTED = State.REQUESTED.value
    PAYING = State.PAYING.value
    CONFIRMED = State.CONFIRMED.value
    COMPLETED = State.COMPLETED.value
    CANCELLING = State.CANCELLING.value
    CANCELLED = State.CANCELLED.value
    FAILING = State.FAILING.value
    FAILED = State.FAILED.value


class PaidBy(models.TextChoices):
    """How the fare was settled."""

    CARD = "card"
    STORE_CREDIT = "store_credit"


class RefundState(models.TextChoices):
    """What became of the money of a ride that does not take place."""

    NONE = "none", "Nothing to refund"
    PENDING = "pending", "On its way back"
    DONE = "done", "Refunded"
    OWED = "owed", "Could not be refunded yet; support staff see to it"


class Booking(models.Model):
    """A ride that was asked for, and what became of it.

    The state moves by `saga.TABLE` only, and a trigger in the database refuses every other change. Amounts are integer minor
    units of `currency` (ISO 4217), distances metres, times UTC by the database's clock.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user_id = models.UUIDField()
    operation_id = models.UUIDField(help_text="The operation that a client follows.")
    cancel_operation_id = models.UUIDField(null=True, help_text="The operation of its cancellation.")
    correlation_id = models.UUIDField(db_index=True)
    state = models.CharField(max_length=10, choices=BookingState, default=BookingState.REQUESTED)

    pickup_latitude = models.FloatField()
    pickup_longitude = models.FloatField()
    pickup_label = models.CharField(max_length=MAX_TEXT, blank=True)
    dropoff_latitude = models.FloatField()
    dropoff_longitude = models.FloatField()
    dropoff_label = models.CharField(max_length=MAX_TEXT, blank=True)
    passengers = models.PositiveSmallIntegerField()
    pickup_at = models.DateTimeField(help_text="When the rider wants to be picked up.")
    reference = models.CharField(max_length=MAX_TEXT, blank=True, help_text="The client's own text.")
    distance_m = models.PositiveIntegerField()

    fare_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    payment_source = models.CharField(max_length=64, help_text="The provider's token of a card; never a card's number.")
    paid_by = models.CharField(max_length=12, choices=PaidBy, blank=True)
    fee_minor = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="What is kept of the fare of a ride that was cancelled late or missed."
    )
    refund_requested_at = models.DateTimeField(null=True)
    refund_state = models.CharField(max_length=8, choices=RefundState, default=RefundState.NONE)

    unicorn_id = models.UUIDField(null=True)
    unicorn_name = models.CharField(max_length=100, blank=True)
    expected_pickup_at = models.DateTimeField(null=True, help_text="When the unicorn can be there.")

    failure_code = models.CharField(max_length=40, blank=True)
    failure_detail = models.CharField(max_length=300, blank=True)

    requested_at = models.DateTimeField()
    deadline_at = models.DateTimeField(help_text="When a booking that is not confirmed fails by itself.")
    confirmed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    no_show_at = models.DateTimeField(null=True, help_text="When it was reported that the rider did not come.")
    failed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user_id", "id"], name="booking_user_id"),
            models.Index(fields=["reference"], name="booking_reference", condition=~Q(reference="")),
            models.Index(fields=["pickup_at"], name="booking_pickup_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=BookingState.values), name="booking_state_is_known"),
            models.CheckConstraint(condition=Q(currency__in=sorted(CURRENCIES)), name="booking_currency_is_known"),
            models.CheckConstraint(
                condition=Q(passengers__gte=1, passengers__lte=MAX_PASSENGERS), name="booking_passengers_in_range"
            ),
            models.CheckConstraint(condition=Q(fee_minor__lte=models.F("fare_minor")), name="booking_fee_within_fare"),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "completed"])
                | (Q(unicorn_id__isnull=False, confirmed_at__isnull=False) & ~Q(paid_by="")),
                name="booking_confirmed_is_paid_and_planned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.id}"
