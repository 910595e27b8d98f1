"""The shapes of points on the wire."""

from typing import Any

from rest_framework import serializers

from loyalty.models import EntryKind


class EntrySerializer(serializers.Serializer[Any]):
    """A line of the account."""

    id = serializers.UUIDField()
    booking_id = serializers.UUIDField()
    kind = serializers.ChoiceField(EntryKind.choices)
    points = serializers.IntegerField(help_text="Negative when taken back.")
    created_at = serializers.DateTimeField()


class AccountSerializer(serializers.Serializer[Any]):
    """The caller's points, and a page of what changed them, newest first."""

    balance = serializers.IntegerField()
    items = EntrySerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's path, or null.")
