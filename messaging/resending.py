"""What the sweeper does with a row: wake a worker, park it until its lane is shorter, or leave it to its holder.

A lane (a queue, or a tenant's part of one) gets again what it may have lost, and no more: see
docs/decisions/backlog-does-not-grow.md.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from messaging.depths import Room
from messaging.outbox import Wakeup
from messaging.settings import resend_backoff_seconds
from tenants.registry.directory import tenant_by_id

# A parked row is found by its lane. This look is for the one whose lane nobody uses any more: its tenant's routing changed.
PARKED_SECONDS = 900.0
_COLUMNS = """
    id, epoch, tenant_id, queue_class, handler, correlation_id,
    claim_id IS NOT NULL AND lease_until <= clock_timestamp(), claim_id IS NOT NULL AND lease_until > clock_timestamp(),
    sends, sends = 0 AND due_at < not_before + interval '1 second'
"""
# Not clock_timestamp(): it may change within a statement, so that no index helps and every look reads the whole of it.
_DUE = f"""
    SELECT {_COLUMNS} FROM messaging_delivery WHERE due_at <= statement_timestamp()
     ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""  # noqa: S608  # column names of our own
_PARKED = f"""
    SELECT {_COLUMNS} FROM messaging_delivery WHERE parked_in = %(lane)s AND claim_id IS NULL
     ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""  # noqa: S608  # column names of our own
# Jumps from one lane's first entry to the next lane's: as cheap with 100,000 parked rows as with ten.
_PARKED_LANES = """
    WITH RECURSIVE lane (name) AS (
        (SELECT parked_in FROM messaging_delivery WHERE parked_in > '' ORDER BY parked_in LIMIT 1)
        UNION ALL
        SELECT (SELECT parked_in FROM messaging_delivery WHERE parked_in > '' AND parked_in > lane.name
                 ORDER BY parked_in LIMIT 1)
          FROM lane WHERE lane.name IS NOT NULL
    )
    SELECT name FROM lane WHERE name IS NOT NULL
"""
_SETTLE = """
    UPDATE messaging_delivery d
       SET claim_id = CASE WHEN row.verdict = 'hold' THEN d.claim_id END,
           lease_until = CASE WHEN row.verdict = 'hold' THEN d.lease_until END,
           crashes = d.crashes + row.abandoned::int,
           epoch = d.epoch + row.abandoned::int,
           sends = CASE WHEN row.abandoned THEN 1 WHEN row.verdict = 'send' THEN d.sends + 1 ELSE d.sends END,
           parked_in = CASE WHEN row.verdict = 'park' THEN row.lane ELSE '' END,
           due_at = CASE row.verdict
                    WHEN 'hold' THEN d.lease_until + interval '0.2 seconds'
                    WHEN 'park' THEN clock_timestamp() + make_interval(secs => %(parked)s)
                    ELSE clock_timestamp() + make_interval(secs => (%(backoff)s::float8[])[
                         least(CASE WHEN row.abandoned THEN 1 ELSE d.sends + 1 END, %(steps)s)]) END
      FROM unnest(%(ids)s::uuid[], %(verdicts)s::text[], %(abandoned)s::bool[], %(lanes)s::text[])
           AS row (id, verdict, abandoned, lane)
     WHERE d.id = row.id
"""


class Verdict(StrEnum):
    """What becomes of a row that the sweeper looks at."""

    SEND = "send"
    PARK = "park"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Row:
    """A locked delivery: `abandoned` by its holder, `held` by one whose lease holds, or waiting.

    `first`: nobody has sent a wake-up in this epoch; it is a retry or a deadline whose time has come.
    """

    id: UUID
    epoch: int
    tenant_id: UUID | None
    queue_class: str
    handler: str
    correlation_id: UUID
    abandoned: bool
    held: bool
    sends: int
    first: bool


def due_rows(limit: int) -> list[Row]:
    """Lock the rows that are due for a look, the longest due first."""
    return _rows(_DUE, {"limit": limit})


def parked_rows(lane: str, limit: int) -> list[Row]:
    """Lock the oldest rows parked before this lane."""
    return _rows(_PARKED, {"lane": lane, "limit": limit})


def parked_lanes() -> list[str]:
    """The lanes that rows are parked before."""
    with connection.cursor() as cursor:
        cursor.execute(_PARKED_LANES)
        return [name for (name,) in cursor.fetchall()]


def settle(rows: Sequence[Row], room: Room) -> list[Wakeup]:
    """Decide about the locked rows and write it down; answers the wake-ups to send before the commit.

    Raises:
        redis.RedisError: when Redis cannot say how long its queues are.
    """
    if not rows:
        return []
    wakeups = _wakeups(rows)
    room.look({wakeup.lane for wakeup in wakeups.values()})
    verdicts = {row.id: _verdict(row, wakeups.get(row.id), room) for row in rows}
    backoff = resend_backoff_seconds()
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            {
                "backoff": list(backoff),
                "steps": len(backoff),
                "parked": PARKED_SECONDS * random.uniform(1.0, 1.5),  # noqa: S311  # jitter, not a secret
                "ids": [row.id for row in rows],
                "verdicts": [verdicts[row.id] for row in rows],
                "abandoned": [row.abandoned for row in rows],
                "lanes": [wakeups[row.id].lane if row.id in wakeups else "" for row in rows],
            },
        )
    return [wakeups[row.id] for row in rows if verdicts[row.id] is Verdict.SEND]


def _wakeups(rows: Sequence[Row]) -> dict[UUID, Wakeup]:
    """The messages that let a worker claim them, by the routing in force now; what is held needs none."""
    alike: dict[tuple[UUID | None, str], Wakeup] = {}
    found = {}
    believed = len(resend_backoff_seconds())
    for row in rows:
        if not row.held:
            key = (row.tenant_id, row.queue_class)
            if key not in alike:
                tenant = tenant_by_id(row.tenant_id) if row.tenant_id else None
                alike[key] = Wakeup.of(row.id, row.epoch, row.queue_class, tenant)
            found[row.id] = replace(
                alike[key],
                delivery_id=row.id,
                epoch=row.epoch + row.abandoned,
                round=0 if row.abandoned else max(0, row.sends + 1 - believed),
            )
    return found


def _verdict(row: Row, wakeup: Wakeup | None, room: Room) -> Verdict:
    if wakeup is None:
        return Verdict.HOLD
    # A row without a message of this epoch is owed one; there is one such message per row, so the lane holds no copy of it.
    if row.abandoned or row.first or room.left(wakeup.lane) > 0:
        room.take(wakeup.lane)
        return Verdict.SEND
    return Verdict.PARK


def _rows(statement: str, values: dict[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [Row(*row) for row in cursor.fetchall()]
