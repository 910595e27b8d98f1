"""The shapes of requests for quotes on the wire."""

from typing import Any

from rest_framework import serializers

from api.pagination import PageQuery
from api.serializers import StrictSerializer
from fleet.capabilities import MAX_EXTRAS, Extra, SpeedClass
from fleet.domain import Point
from fleet.rides import MAX_PASSENGERS, MAX_TEXT
from rfq import domain
from rfq.models import CloseReason, RfqState, StrategyChoice
from rfq.presentation import OFFER_STATES
from rfq.ranking import StrategyName, Weights
from rfq.selectors import Policy
from rfq.services import QuotesWanted

_EXTRAS = [each.value for each in Extra]
_SPEEDS = [each.value for each in SpeedClass]


class QuotePlaceRequest(StrictSerializer):
    """A place on Earth (WGS 84)."""

    latitude = serializers.FloatField(min_value=-90, max_value=90, help_text="Degrees, north is positive.")
    longitude = serializers.FloatField(min_value=-180, max_value=180, help_text="Degrees, east is positive.")
    label = serializers.CharField(  # type: ignore[assignment]  # the field of this name, not the serializer's
        required=False, allow_blank=True, max_length=MAX_TEXT, help_text="What people call it; unicorns do not see it."
    )


class WishesRequest(StrictSerializer):
    """What the unicorn must have; only those that do are asked."""

    extras = serializers.ListField(child=serializers.ChoiceField(_EXTRAS), required=False, max_length=MAX_EXTRAS)
    slowest = serializers.ChoiceField(_SPEEDS, required=False, help_text="The slowest speed class that will do.")


class RfqRequest(StrictSerializer):
    """Quotes that are wanted."""

    pickup = QuotePlaceRequest()
    dropoff = QuotePlaceRequest()
    passengers = serializers.IntegerField(min_value=1, max_value=MAX_PASSENGERS)
    pickup_at = serializers.DateTimeField(
        required=False,
        help_text="ISO 8601 with an offset, at most 30 days ahead. Leave it out for a ride as soon as possible.",
    )
    reference = serializers.CharField(required=False, allow_blank=True, max_length=MAX_TEXT)
    wishes = WishesRequest(required=False)
    deadline_seconds = serializers.IntegerField(
        min_value=domain.MIN_DEADLINE_S,
        max_value=domain.MAX_DEADLINE_S,
        default=domain.DEFAULT_DEADLINE_S,
        help_text="For how long answers are taken.",
    )
    wanted_offers = serializers.IntegerField(
        min_value=1,
        max_value=domain.MAX_OFFERS,
        default=domain.DEFAULT_OFFERS,
        help_text="With so many the request is closed before its deadline.",
    )
    radius_m = serializers.IntegerField(
        min_value=domain.MIN_RADIUS_M,
        max_value=domain.MAX_RADIUS_M,
        default=domain.DEFAULT_RADIUS_M,
        help_text="How far from the pick-up unicorns are looked for, in metres.",
    )
    strategy = serializers.ChoiceField(
        StrategyChoice.choices, required=False, help_text="How offers are ranked; your company's policy when left out."
    )


def quotes_wanted(data: dict[str, Any]) -> QuotesWanted:
    """The validated body as the use case wants it."""
    wishes = data.get("wishes", {})
    return QuotesWanted(
        pickup=Point(data["pickup"]["latitude"], data["pickup"]["longitude"]),
        pickup_label=data["pickup"].get("label", ""),
        dropoff=Point(data["dropoff"]["latitude"], data["dropoff"]["longitude"]),
        dropoff_label=data["dropoff"].get("label", ""),
        passengers=data["passengers"],
        pickup_at=data.get("pickup_at"),
        reference=data.get("reference", ""),
        slowest=SpeedClass(wishes["slowest"]) if "slowest" in wishes else None,
        extras=tuple(wishes.get("extras", ())),
        deadline_seconds=data["deadline_seconds"],
        wanted_offers=data["wanted_offers"],
        radius_m=data["radius_m"],
        strategy=StrategyName(data["strategy"]) if "strategy" in data else None,
    )


class WeightsRequest(StrictSerializer):
    """How much the company makes of each; only the proportions count."""

    price = serializers.IntegerField(min_value=0, max_value=100)
    arrival = serializers.IntegerField(min_value=0, max_value=100)
    extras = serializers.IntegerField(min_value=0, max_value=100)


class PolicyRequest(StrictSerializer):
    """How the company's offers are ranked."""

    strategy = serializers.ChoiceField(StrategyChoice.choices)
    weights = WeightsRequest()


def policy_wanted(data: dict[str, Any]) -> Policy:
    """The validated body as the use case wants it."""
    return Policy(strategy=StrategyName(data["strategy"]), weights=Weights(**data["weights"]))


class RfqQuery(PageQuery):
    """Filters of the list."""

    state = serializers.ChoiceField(RfqState.choices, required=False)


class QuotePlace(serializers.Serializer[Any]):
    """A place on Earth (WGS 84)."""

    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # as above


class Wishes(serializers.Serializer[Any]):
    """What the unicorn must have."""

    extras = serializers.ListField(child=serializers.CharField())
    slowest = serializers.CharField(allow_null=True)


class Price(serializers.Serializer[Any]):
    """An amount in minor units of an ISO 4217 currency."""

    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()


class OfferingUnicorn(serializers.Serializer[Any]):
    """The unicorn that would come."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class OfferSerializer(serializers.Serializer[Any]):
    """What a unicorn would do it for."""

    id = serializers.UUIDField()
    rank = serializers.IntegerField(allow_null=True, help_text="From 1; as of now while the request is open.")
    score = serializers.FloatField(allow_null=True, help_text="From 0 to 1, of the strategy `best_value`.")
    state = serializers.ChoiceField(OFFER_STATES)
    unicorn = OfferingUnicorn()
    price = Price()
    eta_seconds = serializers.IntegerField()
    extras = serializers.ListField(child=serializers.CharField())
    received_at = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()


class RfqLinks(serializers.Serializer[Any]):
    """Paths on the same host."""

    self = serializers.CharField()
    operation = serializers.CharField()
    explanation = serializers.CharField()
    acceptance = serializers.CharField()
    withdrawal = serializers.CharField()
    booking = serializers.CharField(allow_null=True)


class RfqSerializer(serializers.Serializer[Any]):
    """A request for quotes, and what came back."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(RfqState.choices)
    close_reason = serializers.ChoiceField(CloseReason.choices, allow_null=True)
    user_id = serializers.UUIDField()
    pickup = QuotePlace()
    dropoff = QuotePlace()
    passengers = serializers.IntegerField()
    pickup_at = serializers.DateTimeField()
    reference = serializers.CharField(allow_blank=True)
    distance_m = serializers.IntegerField()
    wishes = Wishes()
    radius_m = serializers.IntegerField()
    wanted_offers = serializers.IntegerField()
    strategy = serializers.ChoiceField(StrategyChoice.choices)
    asked = serializers.IntegerField(allow_null=True, help_text="How many unicorns; null until they are.")
    offers = OfferSerializer(many=True)
    booking_id = serializers.UUIDField(allow_null=True)
    requested_at = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    links = RfqLinks()


class OutrankedBy(serializers.Serializer[Any]):
    """The offer that stands before, and the first criterion in which the two differ."""

    offer_id = serializers.UUIDField()
    unicorn = serializers.CharField()
    by = serializers.CharField()
    own = serializers.JSONField(allow_null=True)
    theirs = serializers.JSONField(allow_null=True)


class AskedUnicorn(serializers.Serializer[Any]):
    """One unicorn that was asked, and what became of it."""

    unicorn = OfferingUnicorn()
    distance_m = serializers.IntegerField()
    ring = serializers.IntegerField()
    outcome = serializers.ChoiceField(
        ["accepted", "best", "outranked", "expired", "offered", "declined", "late", "silent", "asked"]
    )
    answered_at = serializers.DateTimeField(allow_null=True)
    offer_id = serializers.UUIDField(allow_null=True)
    rank = serializers.IntegerField(allow_null=True)
    outranked_by = OutrankedBy(allow_null=True)


class PolicySerializer(serializers.Serializer[Any]):
    """How the company's offers are ranked."""

    strategy = serializers.ChoiceField(StrategyChoice.choices)
    weights = WeightsRequest()


class ExplanationSerializer(serializers.Serializer[Any]):
    """Every unicorn that was asked, nearest first."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(RfqState.choices)
    close_reason = serializers.ChoiceField(CloseReason.choices, allow_null=True)
    strategy = serializers.ChoiceField(StrategyChoice.choices)
    criteria = serializers.ListField(child=serializers.CharField())
    weights = WeightsRequest(allow_null=True)
    unicorns = AskedUnicorn(many=True)
