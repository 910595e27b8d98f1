"""The shapes of bookings on the wire."""

from typing import Any

from rest_framework import serializers

from api.pagination import PageQuery
from api.serializers import StrictSerializer
from bookings.domain import COMPANY_CARD, MAX_PASSENGERS, MAX_TEXT
from bookings.models import BookingState, PaidBy, RefundState
from bookings.services import RideRequest
from fleet.domain import Point
from wildrydes.kernel.money import CURRENCIES


class PlaceRequest(StrictSerializer):
    """A place on Earth (WGS 84)."""

    latitude = serializers.FloatField(min_value=-90, max_value=90, help_text="Degrees, north is positive.")
    longitude = serializers.FloatField(min_value=-180, max_value=180, help_text="Degrees, east is positive.")
    label = serializers.CharField(  # type: ignore[assignment]  # the field of this name, not the serializer's
        required=False, allow_blank=True, max_length=MAX_TEXT, help_text="What people call it."
    )


class BookingRequest(StrictSerializer):
    """A ride that is wanted."""

    pickup = PlaceRequest()
    dropoff = PlaceRequest()
    passengers = serializers.IntegerField(min_value=1, max_value=MAX_PASSENGERS)
    pickup_at = serializers.DateTimeField(
        required=False,
        help_text="ISO 8601 with an offset, at most 30 days ahead. Leave it out for a ride as soon as possible.",
    )
    reference = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_TEXT, help_text="Your own text, such as a cost centre."
    )
    currency = serializers.ChoiceField(
        sorted(CURRENCIES), required=False, help_text="Your company's; another one is refused, none is converted."
    )
    payment_source = serializers.CharField(
        required=False,
        max_length=64,
        help_text=f"The payment provider's token of a card. `{COMPANY_CARD}`, the company's card on file, by default.",
    )


def ride_request(data: dict[str, Any]) -> RideRequest:
    """The validated body as the use case wants it."""
    return RideRequest(
        pickup=Point(data["pickup"]["latitude"], data["pickup"]["longitude"]),
        pickup_label=data["pickup"].get("label", ""),
        dropoff=Point(data["dropoff"]["latitude"], data["dropoff"]["longitude"]),
        dropoff_label=data["dropoff"].get("label", ""),
        passengers=data["passengers"],
        pickup_at=data.get("pickup_at"),
        reference=data.get("reference", ""),
        currency=data.get("currency"),
        payment_source=data.get("payment_source"),
    )


class Place(serializers.Serializer[Any]):
    """A place on Earth (WGS 84)."""

    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # as above


class Fare(serializers.Serializer[Any]):
    """An amount in minor units of an ISO 4217 currency."""

    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()


class AssignedUnicorn(serializers.Serializer[Any]):
    """The unicorn that comes."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class Failure(serializers.Serializer[Any]):
    """Why a booking failed: a stable code and a sentence for a person."""

    code = serializers.CharField()
    detail = serializers.CharField()


class BookingLinks(serializers.Serializer[Any]):
    """Paths on the same host."""

    self = serializers.CharField()
    operation = serializers.CharField(help_text="The operation that made this booking.")


class BookingSerializer(serializers.Serializer[Any]):
    """A ride, and what became of it."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(BookingState.choices)
    user_id = serializers.UUIDField()
    pickup = Place()
    dropoff = Place()
    passengers = serializers.IntegerField()
    pickup_at = serializers.DateTimeField()
    expected_pickup_at = serializers.DateTimeField(allow_null=True, help_text="When the unicorn can be there.")
    reference = serializers.CharField(allow_blank=True)
    distance_m = serializers.IntegerField(help_text="As the crow flies, in metres.")
    fare = Fare()
    paid_by = serializers.ChoiceField(PaidBy.choices, allow_null=True)
    refund = serializers.ChoiceField(RefundState.choices)
    fee = Fare(help_text="What is kept of the fare of a ride that was cancelled late or missed; else 0.")
    no_show = serializers.BooleanField(help_text="The rider did not come.")
    unicorn = AssignedUnicorn(allow_null=True)
    failure = Failure(allow_null=True)
    requested_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    failed_at = serializers.DateTimeField(allow_null=True)
    links = BookingLinks()


class BookingQuery(PageQuery):
    """Filters of the list."""

    state = serializers.ChoiceField(BookingState.choices, required=False)
    pickup_from = serializers.DateTimeField(required=False, help_text="Picked up at this moment or later.")
    pickup_to = serializers.DateTimeField(required=False, help_text="Picked up before this moment.")
    reference = serializers.CharField(required=False, max_length=MAX_TEXT)
