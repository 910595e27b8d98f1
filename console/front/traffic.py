"""How much waits and what has died, by tier and by queue class. Counts only; read from `public`, never from a tenant's schema."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from api.events import ExpireOperation
from bookings.events import BookingDeadline
from messaging.models import DeadLetterState
from messaging.topology import QueueClass
from tenants.registry.models import Tier

# Counting ends here, so that the page stays cheap in the very moments when it is looked at most.
COUNT_LIMIT = 250_000
# Deadlines that are later than this were not kept: a worker is usually there within a second.
DEADLINE_GRACE = timedelta(seconds=15)
# A deadline is a delayed delivery. What is still there after its time is a saga that nobody has ended.
DEADLINES = (BookingDeadline.topic, ExpireOperation.topic)
HOURS = 24

# Tenants are joined when rows are counted: there are fewer of them.
_WAITING = """
    WITH due AS (
        SELECT tenant_id, queue_class, topic, not_before, claim_id IS NOT NULL AS held
          FROM messaging_delivery
         WHERE not_before <= statement_timestamp()
         LIMIT %(limit)s
    ), counted AS (
        SELECT tenant_id, queue_class, count(*) FILTER (WHERE NOT held) AS waiting, count(*) FILTER (WHERE held) AS held,
               min(not_before) FILTER (WHERE NOT held) AS since,
               count(*) FILTER (WHERE topic = ANY(%(deadlines)s) AND not_before < statement_timestamp() - %(grace)s) AS late
          FROM due
         GROUP BY tenant_id, queue_class
    )
    SELECT t.tier_id, queue_class, sum(waiting)::bigint, sum(held)::bigint,
           extract(epoch FROM statement_timestamp() - min(since) FILTER (WHERE t.processing_paused_at IS NULL)), sum(late)::bigint
      FROM counted LEFT JOIN registry_tenant t ON t.id = tenant_id
     GROUP BY 1, 2
"""
_LATE = """
    SELECT d.tenant_id, t.name, d.topic, d.correlation_id, d.not_before
      FROM messaging_delivery d LEFT JOIN registry_tenant t ON t.id = d.tenant_id
     WHERE d.not_before < statement_timestamp() - %(grace)s AND d.topic = ANY(%(deadlines)s)
     ORDER BY d.not_before
     LIMIT %(limit)s
"""
_OPEN = """
    WITH counted AS (
        SELECT tenant_id, count(*) AS open, min(died_at) AS oldest, count(*) FILTER (WHERE NOT outcome_committed) AS unanswered
          FROM messaging_deadletter
         WHERE state = %(open)s
         GROUP BY tenant_id
    )
    SELECT t.tier_id, sum(open)::bigint, min(oldest), sum(unanswered)::bigint
      FROM counted LEFT JOIN registry_tenant t ON t.id = tenant_id
     GROUP BY 1
"""
# Bins end with the present moment: the one that began an hour ago is the last.
_BY_HOUR = """
    SELECT extract(epoch FROM statement_timestamp() - date_bin('1 hour', died_at, statement_timestamp())) / 3600, count(*)
      FROM messaging_deadletter
     WHERE died_at > statement_timestamp() - make_interval(hours => %(hours)s)
     GROUP BY date_bin('1 hour', died_at, statement_timestamp())
"""


@dataclass(frozen=True, kw_only=True)
class TierLetters:
    """Open dead letters of one tier's tenants. `code` is empty for the platform's own."""

    code: str
    name: str
    open: int
    without_outcome: int
    oldest_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ClassBacklog:
    """What waits for a worker and what is being worked on, of one queue class.

    `oldest_age` is in seconds; `share_of_service_level` is that age in terms of what the waiting tenant's tier promises.
    """

    queue_class: str
    waiting: int
    working: int
    oldest_age: float
    share_of_service_level: float

    @property
    def tone(self) -> str:
        """`bad` past the service level, `warn` past half of it."""
        share = self.share_of_service_level
        return "bad" if share > 1 else "warn" if share > 0.5 else "good"


@dataclass(frozen=True, kw_only=True)
class LateDeadline:
    """A saga's or operation's deadline that has passed without being looked at."""

    tenant_id: UUID | None
    tenant: str
    what: str
    correlation_id: UUID
    deadline_at: datetime


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """All queue classes, and how many deadlines are late. `is_complete` is False when counting ended early."""

    classes: tuple[ClassBacklog, ...]
    late_deadlines: int
    is_complete: bool

    @property
    def waiting(self) -> int:
        """Of all classes."""
        return sum(each.waiting for each in self.classes)

    @property
    def oldest_age(self) -> float:
        """In seconds."""
        return max(each.oldest_age for each in self.classes)

    @property
    def tone(self) -> str:
        """The worst of all classes."""
        tones = {each.tone for each in self.classes}
        return "bad" if "bad" in tones else "warn" if "warn" in tones else "good"


def letters_by_tier() -> list[TierLetters]:
    """Open dead letters of each tier, the platform's last."""
    found = {row[0]: row[1:] for row in _rows(_OPEN, {"open": DeadLetterState.OPEN.value})}
    tiers = [*Tier.objects.order_by("requests_per_minute").values_list("code", "name"), (None, "Platform")]
    return [
        TierLetters(
            code=code or "",
            name=name,
            open=found.get(code, (0,))[0],
            oldest_at=found[code][1] if code in found else None,
            without_outcome=found[code][2] if code in found else 0,
        )
        for code, name in tiers
    ]


def deaths_by_hour() -> list[int]:
    """How many letters died in each of the last 24 hours, the current one last."""
    hours = [0] * HOURS
    for hours_ago, count in _rows(_BY_HOUR, {"hours": HOURS}):
        hours[HOURS - min(max(round(hours_ago), 1), HOURS)] += count
    return hours


def backlog() -> Backlog:
    """What is due now, by queue class. What is delayed (retries, deadlines to come) does not wait for a worker."""
    rows = _rows(_WAITING, {"limit": COUNT_LIMIT, "deadlines": list(DEADLINES), "grace": DEADLINE_GRACE})
    levels: dict[str | None, int] = dict(Tier.objects.values_list("code", "service_level_seconds"))
    names = [*QueueClass, *sorted({row[1] for row in rows} - set(QueueClass))]
    return Backlog(
        classes=tuple(_class_backlog(name, [row for row in rows if row[1] == name], levels) for name in names),
        late_deadlines=sum(row[5] for row in rows),
        is_complete=sum(row[2] + row[3] for row in rows) < COUNT_LIMIT,
    )


def _class_backlog(name: str, rows: list[Any], levels: dict[str | None, int]) -> ClassBacklog:
    strictest = min(levels.values(), default=60)
    ages = [(float(age), levels.get(tier, strictest)) for tier, _, _, _, age, _ in rows if age is not None]
    return ClassBacklog(
        queue_class=str(name),
        waiting=sum(row[2] for row in rows),
        working=sum(row[3] for row in rows),
        oldest_age=max((age for age, _ in ages), default=0.0),
        share_of_service_level=max((age / level for age, level in ages), default=0.0),
    )


def late_deadlines(limit: int = 5) -> list[LateDeadline]:
    """Those that are late the longest."""
    rows = _rows(_LATE, {"deadlines": list(DEADLINES), "grace": DEADLINE_GRACE, "limit": limit})
    return [
        LateDeadline(
            tenant_id=tenant_id,
            tenant=tenant or "",
            what="Ride" if topic == BookingDeadline.topic else "Operation",
            correlation_id=correlation_id,
            deadline_at=deadline_at,
        )
        for tenant_id, tenant, topic, correlation_id, deadline_at in rows
    ]


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
    return rows
