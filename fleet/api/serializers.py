"""The shapes of the fleet's own API on the wire."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from rest_framework import serializers

from api.serializers import StrictSerializer
from fleet.domain import Point
from fleet.services.positions import Seen
from wildrydes.kernel.errors import InvalidInput

MOST_POSITIONS = 400
"""In one report; a body is 64 KiB at most."""


class TokenRequest(StrictSerializer):
    """A credential and its secret."""

    credential = serializers.UUIDField()
    secret = serializers.CharField(max_length=100, trim_whitespace=False)


class TokenSerializer(serializers.Serializer[Any]):
    """A token for the fleet's endpoints."""

    access = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class WebhookRequest(StrictSerializer):
    """Where requests are pushed to."""

    url = serializers.CharField(max_length=500, help_text="A public https address that answers 2xx within 2 seconds.")


class WebhookSerializer(serializers.Serializer[Any]):
    """The address; `secret` is there when it is new, and only then."""

    url = serializers.CharField()
    secret = serializers.CharField(required=False)


class PositionSerializer(serializers.Serializer[Any]):
    """One unicorn's place; described here, read by `read_report`."""

    unicorn = serializers.UUIDField(help_text="The operator's own id.")
    latitude = serializers.FloatField(min_value=-90, max_value=90)
    longitude = serializers.FloatField(min_value=-180, max_value=180)
    at = serializers.DateTimeField(required=False, help_text="When it was there; now, when left out.")
    available = serializers.BooleanField(required=False, help_text="As before, when left out.")


class ReportRequest(serializers.Serializer[Any]):
    """Up to 400 places at once."""

    positions = PositionSerializer(many=True)


class ReportSerializer(serializers.Serializer[Any]):
    """What became of a report."""

    moved = serializers.IntegerField(help_text="Positions that were newer than what we had.")
    changed = serializers.IntegerField(help_text="Unicorns whose availability changed.")
    unknown = serializers.ListField(child=serializers.UUIDField(), help_text="Not yours; nothing was taken of these.")


class _Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    unicorn: UUID
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    at: Annotated[datetime, Meta(tz=True)] | None = None
    available: bool | None = None


class _Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    positions: Annotated[list[_Position], Meta(min_length=1, max_length=MOST_POSITIONS)]


def read_report(data: object) -> list[Seen]:
    """The reported places. Read by msgspec: a serializer per unicorn would cost more than storing them.

    Raises:
        InvalidInput: with what is wrong and where.
    """
    try:
        report = msgspec.convert(data, _Report)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        raise InvalidInput.at("".join(_pointer(place.rstrip("`"))), f"{text}.") from error
    if len({each.unicorn for each in report.positions}) != len(report.positions):
        raise InvalidInput.at("/positions", "Name each unicorn once.")
    return [
        Seen(unicorn=each.unicorn, place=Point(each.latitude, each.longitude), at=each.at, available=each.available)
        for each in report.positions
    ]


def _pointer(path: str) -> Iterator[str]:
    """`.positions[3].latitude` as the parts of a JSON pointer."""
    for part in path.replace("[", ".").replace("]", "").split("."):
        if part:
            yield f"/{part}"
