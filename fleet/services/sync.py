"""Keeping up with the fleet operator's system."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from fleet.domain import Point
from fleet.feed import FeedError, FeedUnicorn, fetch_feed
from fleet.models import Unicorn
from fleet.services.positions import Seen, store_positions
from tenants.registry.context import enter_public
from wildrydes.kernel.errors import ConfigurationError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What one look at the feed brought: unicorns in it, those new or changed, and positions that were newer."""

    seen: int
    changed: int
    moved: int


def sync_fleet() -> SyncResult:
    """Take over the operator's feed: who there is, on duty or not, and where. All of it or, when it is garbage, nothing.

    A unicorn that is no longer in the feed is left as it is: without fresh positions it is not sent out.

    Raises:
        ConfigurationError: no address is configured.
        FeedError: the feed could not be had or read; logged.
    """
    if not settings.UNICORNS_URL:
        raise ConfigurationError("UNICORNS_URL is not set: say where the fleet operator's system answers.")
    try:
        feed = fetch_feed(settings.UNICORNS_URL)
    except FeedError as error:
        _log.warning("fleet.feed_refused", error=str(error))
        raise
    with enter_public(), transaction.atomic():
        result = SyncResult(seen=len(feed), changed=_take_unicorns(feed), moved=_take_positions(feed))
    _log.debug("fleet.synced", seen=result.seen, changed=result.changed, moved=result.moved)
    return result


def keep_in_sync() -> None:
    """What the scheduler runs every few seconds: a feed that cannot be had is logged and left to the next time."""
    if settings.UNICORNS_URL:
        with suppress(FeedError):
            sync_fleet()


def _take_unicorns(feed: Sequence[FeedUnicorn]) -> int:
    """Write who is new or different; rows that stay are not touched, so that bookings never wait for them."""
    columns = ("operator_ref", "name", "capacity", "status", "speed_class", "extras")
    known = {row[0]: row[1:] for row in Unicorn.objects.values_list(*columns)}
    # In the order of their ids, so that two of us at the same time wait for each other instead of deadlocking.
    changed = [
        Unicorn(operator_ref=each.id, **dict(zip(columns[1:], _facts(each), strict=True)))
        for each in sorted(feed, key=lambda unicorn: unicorn.id)
        if known.get(each.id) != _facts(each)
    ]
    Unicorn.objects.bulk_create(
        changed,
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["operator_ref"],
        update_fields=list(columns[1:]),
    )
    return len(changed)


def _facts(each: FeedUnicorn) -> tuple[Any, ...]:
    extras = sorted({extra.value for extra in each.extras})
    return each.name, each.capacity, each.status.value, each.speed_class.value, extras


def _take_positions(feed: Sequence[FeedUnicorn]) -> int:
    return store_positions(
        [Seen(unicorn=each.id, at=each.updated_at, place=Point(each.latitude, each.longitude)) for each in feed]
    )
