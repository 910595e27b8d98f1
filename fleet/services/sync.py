"""Keeping up with the fleet operator's system."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import connection, transaction

from fleet.domain import Point, cell_of
from fleet.feed import FeedError, FeedUnicorn, fetch_feed
from fleet.models import Unicorn
from tenants.registry.context import enter_public
from wildrydes.kernel.errors import ConfigurationError

_log = structlog.get_logger(__name__)

# One statement for all of them, and only for those that moved: an older report, or the same again, writes nothing. The
# operator's clock may be ahead of ours, but nobody was seen in the future.
_UPSERT_POSITIONS = """
    INSERT INTO fleet_unicornposition AS known (unicorn_id, latitude, longitude, cell, reported_at)
    SELECT unicorn.id, seen.latitude, seen.longitude, seen.cell, least(seen.reported_at, now())
    FROM json_to_recordset(%s::json) AS seen (
        operator_ref uuid, latitude float8, longitude float8, cell bigint, reported_at timestamptz
    )
    JOIN fleet_unicorn AS unicorn USING (operator_ref)
    ON CONFLICT (unicorn_id) DO UPDATE
    SET latitude = excluded.latitude, longitude = excluded.longitude, cell = excluded.cell,
        reported_at = excluded.reported_at
    WHERE known.reported_at < excluded.reported_at
"""


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
    columns = ("operator_ref", "name", "capacity", "status")
    known = {row[0]: row for row in Unicorn.objects.values_list(*columns)}
    # In the order of their ids, so that two of us at the same time wait for each other instead of deadlocking.
    changed = [
        Unicorn(operator_ref=each.id, name=each.name, capacity=each.capacity, status=each.status.value)
        for each in sorted(feed, key=lambda unicorn: unicorn.id)
        if known.get(each.id) != (each.id, each.name, each.capacity, each.status.value)
    ]
    Unicorn.objects.bulk_create(
        changed,
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["operator_ref"],
        update_fields=["name", "capacity", "status"],
    )
    return len(changed)


def _take_positions(feed: Sequence[FeedUnicorn]) -> int:
    seen = [
        {
            "operator_ref": str(each.id),
            "latitude": each.latitude,
            "longitude": each.longitude,
            "cell": cell_of(Point(each.latitude, each.longitude)),
            "reported_at": each.updated_at.isoformat(),
        }
        for each in sorted(feed, key=lambda unicorn: unicorn.id)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT_POSITIONS, [json.dumps(seen)])
        return int(cursor.rowcount)
