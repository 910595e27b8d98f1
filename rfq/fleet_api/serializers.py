"""The shapes of what unicorns are asked and answer."""

from typing import Any

from rest_framework import serializers

from api.serializers import QuerySerializer, StrictSerializer
from fleet.capabilities import MAX_EXTRAS, Extra
from fleet.models import InquiryState
from rfq import domain
from rfq.asking import MOST
from rfq.return_address import MAX_CHARACTERS
from rfq.services import Answer, OfferMade
from wildrydes.kernel.money import CURRENCIES


class OfferRequest(StrictSerializer):
    """What the unicorn would do it for."""

    price_minor = serializers.IntegerField(min_value=1, max_value=domain.MAX_PRICE_MINOR)
    currency = serializers.ChoiceField(sorted(CURRENCIES), help_text="The request's.")
    eta_seconds = serializers.IntegerField(
        min_value=0, max_value=domain.MAX_ETA_S, help_text="How long it takes to the pick-up."
    )
    extras = serializers.ListField(
        child=serializers.ChoiceField([each.value for each in Extra]), required=False, max_length=MAX_EXTRAS
    )
    valid_seconds = serializers.IntegerField(
        min_value=domain.MIN_VALID_S,
        max_value=domain.MAX_VALID_S,
        default=domain.DEFAULT_VALID_S,
        help_text="How long after `answer_by` the offer stands.",
    )


class AnswerRequest(StrictSerializer):
    """One unicorn's answer: `offer`, or `decline` as true."""

    correlation_id = serializers.UUIDField()
    reply_to = serializers.CharField(max_length=MAX_CHARACTERS, trim_whitespace=False)
    offer = OfferRequest(required=False)
    decline = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two.

        Raises:
            ValidationError: both, or none.
        """
        if ("offer" in attrs) == bool(attrs.get("decline")):
            raise serializers.ValidationError('Send either an "offer", or "decline": true.')
        return attrs


def answer_of(data: dict[str, Any]) -> Answer:
    """The validated body as the use case wants it."""
    offer = data.get("offer")
    made = None
    if offer is not None:
        made = OfferMade(**{**offer, "extras": tuple(offer.get("extras", ()))})
    return Answer(reply_to=data["reply_to"], correlation_id=data["correlation_id"], offer=made)


class RequestsQuery(QuerySerializer):
    """What to pull."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=MOST)
    after = serializers.UUIDField(required=False, help_text="The last correlation id that you know.")


class _Place(serializers.Serializer[Any]):
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()


class _Wishes(serializers.Serializer[Any]):
    extras = serializers.ListField(child=serializers.CharField())
    slowest = serializers.CharField(allow_null=True)


class AskedSerializer(serializers.Serializer[Any]):
    """What one unicorn is asked."""

    correlation_id = serializers.UUIDField()
    reply_to = serializers.CharField(help_text="Send it back exactly as it came.")
    unicorn = serializers.UUIDField(help_text="The operator's own id.")
    pickup = _Place()
    dropoff = _Place()
    distance_m = serializers.IntegerField()
    passengers = serializers.IntegerField()
    pickup_at = serializers.DateTimeField()
    wishes = _Wishes()
    currency = serializers.CharField()
    answer_by = serializers.DateTimeField()


class AskedPage(serializers.Serializer[Any]):
    """What is open, oldest first."""

    items = AskedSerializer(many=True)


class InquirySerializer(serializers.Serializer[Any]):
    """How one request stands for the unicorn."""

    correlation_id = serializers.UUIDField()
    unicorn = serializers.UUIDField()
    state = serializers.ChoiceField(InquiryState.choices)
    answer_by = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


class ReceiptSerializer(serializers.Serializer[Any]):
    """The answer was stored in time."""

    correlation_id = serializers.UUIDField()
    answer = serializers.ChoiceField(["offer", "decline"])
    received_at = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(allow_null=True)
