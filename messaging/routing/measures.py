"""The consumer's side of `overflow`: how long a tenant's messages take and how many fail, told to the steward through rows.

Only tenants who may overflow are measured; a process writes what it has once in a while, beside its work. What dies with the
process is seconds of figures, nothing else.
"""

import threading
import time
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import Error, connection

from messaging.routing.choices import remembered
from messaging.routing.strategies.judging import Measures
from messaging.wording import tenant_if_known

_log = structlog.get_logger(__name__)
WRITE_SECONDS = 2.0
# Steps of ten seconds are added up over the window, and kept for a look back.
_WRITE = """
    INSERT INTO public.messaging_handlingmeasure AS known (tenant_id, queue_class, began_at, handled, failed, seconds)
    SELECT tenant_id, queue_class, date_bin('10 seconds', statement_timestamp(), 'epoch'), handled, failed, seconds
      FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::int[], %s::float8[])
           AS told (tenant_id, queue_class, handled, failed, seconds)
     ORDER BY tenant_id, queue_class
    ON CONFLICT (began_at, tenant_id, queue_class) DO UPDATE
       SET handled = known.handled + excluded.handled, failed = known.failed + excluded.failed,
           seconds = known.seconds + excluded.seconds
"""
_READ = """
    SELECT tenant_id, queue_class, sum(handled), sum(failed), sum(seconds) FROM public.messaging_handlingmeasure
     WHERE began_at > statement_timestamp() - interval '60 seconds' GROUP BY tenant_id, queue_class
"""
_TIDY = "DELETE FROM public.messaging_handlingmeasure WHERE began_at < statement_timestamp() - interval '5 minutes'"


@dataclass(slots=True)
class _Sums:
    handled: int = 0
    failed: int = 0
    seconds: float = 0.0


class _Book:
    """This process's sums since it last wrote."""

    def __init__(self) -> None:
        self._sums: dict[tuple[UUID, str], _Sums] = {}
        self._lock = threading.Lock()
        self._next = 0.0

    def add(self, tenant_id: UUID, queue_class: str, *, handled: int, failed: int, seconds: float) -> None:
        with self._lock:
            sums = self._sums.setdefault((tenant_id, queue_class), _Sums())
            sums.handled += handled
            sums.failed += failed
            sums.seconds += seconds

    def take_if_due(self) -> dict[tuple[UUID, str], _Sums]:
        now = time.monotonic()
        with self._lock:
            if not self._sums or now < self._next:
                return {}
            self._next = now + WRITE_SECONDS
            taken, self._sums = self._sums, {}
            return taken


_book = _Book()


def handled(tenant_id: UUID | None, queue_class: str, seconds: float) -> None:
    """An attempt ended after so many seconds. Outside of any transaction; raises nothing."""
    if tenant_id is None or not _matters(tenant_id, queue_class):
        return
    _book.add(tenant_id, queue_class, handled=1, failed=0, seconds=seconds)
    due = _book.take_if_due()
    if due:
        try:
            _write(due)
        except Error as error:
            _log.warning("routing.measures_not_written", error=type(error).__name__)


def failed(tenant_id: UUID | None, queue_class: str) -> None:
    """An attempt failed; it is counted as handled when it ends."""
    if tenant_id is not None and _matters(tenant_id, queue_class):
        _book.add(tenant_id, queue_class, handled=0, failed=1, seconds=0.0)


def _matters(tenant_id: UUID, queue_class: str) -> bool:
    rules = remembered()
    if "overflow" not in rules.in_force:
        return False
    tenant = tenant_if_known(tenant_id)
    return tenant is not None and rules.of(tenant_id, tenant.tier.code, queue_class).name == "overflow"


def _write(sums: dict[tuple[UUID, str], _Sums]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                [tenant_id for tenant_id, _ in sums],
                [queue_class for _, queue_class in sums],
                [each.handled for each in sums.values()],
                [each.failed for each in sums.values()],
                [each.seconds for each in sums.values()],
            ],
        )


def measured() -> dict[tuple[UUID, str], Measures]:
    """What all workers together measured in the last minute; older figures are removed."""
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        rows = cursor.fetchall()
        cursor.execute(_TIDY)
    return {
        (tenant_id, queue_class): Measures(
            seconds=seconds / count if count else 0.0, errors=min(1.0, errors / count) if count else 0.0, samples=count
        )
        for tenant_id, queue_class, count, errors, seconds in rows
    }
