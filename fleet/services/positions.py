"""Where unicorns are and whether they are available, taken over in one statement each, however many they are."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from fleet.domain import Point, cell_of
from fleet.models import UnicornStatus
from fleet.principal import Speaker

# Only those that moved are written: an older report, or the same again, writes nothing. The operator's clock may be ahead of
# ours, but nobody was seen in the future.
_UPSERT_POSITIONS = """
    INSERT INTO fleet_unicornposition AS known (unicorn_id, latitude, longitude, cell, reported_at)
    SELECT unicorn.id, seen.latitude, seen.longitude, seen.cell, least(coalesce(seen.at, now()), now())
    FROM json_to_recordset(%(seen)s::json) AS seen (
        unicorn uuid, latitude float8, longitude float8, cell bigint, at timestamptz
    )
    JOIN fleet_unicorn AS unicorn ON unicorn.operator_ref = seen.unicorn
    WHERE (%(operator)s::uuid IS NULL OR unicorn.operator_id = %(operator)s::uuid)
      AND (%(only)s::uuid IS NULL OR unicorn.id = %(only)s::uuid)
    ON CONFLICT (unicorn_id) DO UPDATE
    SET latitude = excluded.latitude, longitude = excluded.longitude, cell = excluded.cell,
        reported_at = excluded.reported_at
    WHERE known.reported_at < excluded.reported_at
"""
# Reservations lock a unicorn's own row, so it is written only when something changes.
_SET_STATUS = """
    UPDATE fleet_unicorn AS unicorn SET status = said.status
      FROM json_to_recordset(%(said)s::json) AS said (unicorn uuid, status text)
     WHERE unicorn.operator_ref = said.unicorn AND unicorn.status <> said.status
       AND unicorn.operator_id = %(operator)s AND (%(only)s::uuid IS NULL OR unicorn.id = %(only)s::uuid)
"""
_KNOWN = """
    SELECT operator_ref FROM fleet_unicorn
     WHERE operator_ref = ANY(%(refs)s) AND operator_id = %(operator)s AND (%(only)s::uuid IS NULL OR id = %(only)s::uuid)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A unicorn, by its operator's id, at a place; `at` is the operator's clock, None for now. `available` None: as before."""

    unicorn: UUID
    place: Point
    at: datetime | None = None
    available: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """How many positions were newer than what we had, how many changed their availability, and who is not the speaker's."""

    moved: int
    changed: int
    unknown: tuple[UUID, ...]


def report_positions(*, speaker: Speaker, seen: Sequence[Seen]) -> Reported:
    """Take over what the speaker says of its unicorns; of others nothing is taken. Each is named once."""
    whose: dict[str, Any] = {"operator": speaker.operator_id, "only": speaker.unicorn_id}
    said = [
        {
            "unicorn": str(each.unicorn),
            "status": (UnicornStatus.AVAILABLE if each.available else UnicornStatus.OFF_DUTY).value,
        }
        for each in seen
        if each.available is not None
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        moved = store_positions(seen, operator=speaker.operator_id, only=speaker.unicorn_id)
        changed = 0
        if said:
            cursor.execute(_SET_STATUS, {**whose, "said": json.dumps(said)})
            changed = int(cursor.rowcount)
        cursor.execute(_KNOWN, {**whose, "refs": [each.unicorn for each in seen]})
        known = {row[0] for row in cursor.fetchall()}
    return Reported(
        moved=moved, changed=changed, unknown=tuple(each.unicorn for each in seen if each.unicorn not in known)
    )


def store_positions(seen: Sequence[Seen], *, operator: UUID | None = None, only: UUID | None = None) -> int:
    """Write the positions that are newer than ours, of one operator's unicorns or of all; answers how many those are."""
    # In the order of their ids, so that two of us at the same time wait for each other instead of deadlocking.
    rows = [
        {
            "unicorn": str(each.unicorn),
            "latitude": each.place.latitude,
            "longitude": each.place.longitude,
            "cell": cell_of(each.place),
            "at": each.at.isoformat() if each.at else None,
        }
        for each in sorted(seen, key=lambda each: each.unicorn)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT_POSITIONS, {"seen": json.dumps(rows), "operator": operator, "only": only})
        return int(cursor.rowcount)
