"""The shapes of webhooks on the wire."""

from typing import Any

from rest_framework import serializers

from api.pagination import PageQuery
from api.serializers import StrictSerializer
from notifications.models import EndpointState, PushState


class EndpointRequest(StrictSerializer):
    """Where to push."""

    url = serializers.CharField(max_length=500, help_text="A public https address that answers 2xx within 10 seconds.")


class EndpointSerializer(serializers.Serializer[Any]):
    """The endpoint. `secret` is there only when it is new: it is shown this once."""

    url = serializers.CharField()
    state = serializers.ChoiceField(EndpointState.choices)
    state_since = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    previous_secret_valid_until = serializers.DateTimeField(allow_null=True)
    secret = serializers.CharField(required=False, help_text="`whsec_…`; keep it, it is not shown again.")


class PushSerializer(serializers.Serializer[Any]):
    """One message to the endpoint."""

    id = serializers.UUIDField(help_text="The message's id, sent as `webhook-id`.")
    type = serializers.CharField(help_text="Such as `booking.confirmed`.")
    booking_id = serializers.UUIDField()
    state = serializers.ChoiceField(PushState.choices)
    attempts = serializers.IntegerField()
    response_status = serializers.IntegerField(allow_null=True, help_text="HTTP status of the final answer.")
    last_error = serializers.CharField(allow_blank=True, help_text="What the latest failed attempt said.")
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class PushQuery(PageQuery):
    """Filters of the log."""

    state = serializers.ChoiceField(PushState.choices, required=False)
