"""The fleet operator's feed, read strictly: one unicorn that cannot be read, and the whole feed is refused.

A feed that is half garbage says nothing reliable about its other half, and the next one comes in a few seconds.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from fleet.capabilities import MAX_EXTRAS, Extra, SpeedClass
from fleet.models import UnicornStatus
from wildrydes.kernel.http import OutboundError, outbound_client

MAX_BYTES = 16 * 1024 * 1024
MAX_UNICORNS = 50_000
TIMEOUT_S = 5.0
"""For the whole call: a feed that is late is followed by another."""


class FeedError(Exception):
    """The feed could not be had or read; nothing of it was used."""


class FeedUnicorn(msgspec.Struct, frozen=True):
    """One unicorn as its operator reports it. Fields we do not know are left alone."""

    id: UUID
    name: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")]
    capacity: Annotated[int, Meta(ge=1, le=12)]
    status: UnicornStatus
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    updated_at: Annotated[datetime, Meta(tz=True)]
    speed_class: SpeedClass = SpeedClass.CANTER
    extras: Annotated[list[Extra], Meta(max_length=MAX_EXTRAS)] = []


class _Feed(msgspec.Struct, frozen=True):
    data: Annotated[list[FeedUnicorn], Meta(max_length=MAX_UNICORNS)]


def read_feed(body: bytes) -> list[FeedUnicorn]:
    """The unicorns in a feed's body.

    Raises:
        FeedError: it is not JSON, not of this shape, out of bounds, or names a unicorn twice.
    """
    try:
        unicorns = msgspec.json.decode(body, type=_Feed).data
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FeedError(f"The feed cannot be read: {error}") from error
    if len({unicorn.id for unicorn in unicorns}) != len(unicorns):
        raise FeedError("The feed names a unicorn twice.")
    return unicorns


def fetch_feed(base_url: str) -> list[FeedUnicorn]:
    """Ask the operator's system where its unicorns are.

    Raises:
        FeedError: no answer in time, not a success, too large, or not readable.
    """
    try:
        response = outbound_client().request(
            "GET",
            f"{base_url.rstrip('/')}/v1/unicorns",
            total_timeout=TIMEOUT_S,
            max_body_bytes=MAX_BYTES,
            purpose="fleet feed",
            show_path=True,
        )
    except OutboundError as error:
        raise FeedError(f"The fleet operator's system did not answer: {error}") from error
    if response.status != 200:
        raise FeedError(f"The fleet operator's system answered {response.status}.")
    return read_feed(response.body)
