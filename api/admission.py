"""Back-pressure: new work is refused while too much of the tenant's accepted work still waits.

The backlog is counted in PostgreSQL, where the deliveries are, so it is right even when the broker has lost everything. A
process counts at most every half second per tenant: a flood costs no more counting than a trickle.
"""

import threading
import time
from collections import OrderedDict
from uuid import UUID

from api.errors import BacklogFull
from messaging.selectors import backlog, longest_wait
from tenants.registry.directory import TenantRef

_COUNTED_EVERY_SECONDS = 0.5
_REMEMBERED_TENANTS = 10_000
_RETRY_AFTER_SECONDS = (1.0, 60.0)


class _Counts:
    """The last count per tenant, bounded in number and age."""

    def __init__(self) -> None:
        self._counts: OrderedDict[UUID, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, tenant: TenantRef) -> int:
        now = time.monotonic()
        with self._lock:
            known = self._counts.get(tenant.id)
        if known is not None and now - known[0] < _COUNTED_EVERY_SECONDS:
            return known[1]
        count = backlog(tenant.id, tenant.tier.max_backlog)
        with self._lock:
            self._counts[tenant.id] = (now, count)
            self._counts.move_to_end(tenant.id)
            if len(self._counts) > _REMEMBERED_TENANTS:
                self._counts.popitem(last=False)
        return count

    def forget(self) -> None:
        with self._lock:
            self._counts.clear()


_counts = _Counts()


def admit_work(tenant: TenantRef) -> None:
    """Let the tenant add work, or not. Views that create work call this before anything is written.

    Raises:
        BacklogFull: with `retry_after`, in seconds: what waited longest tells how long the whole backlog takes, and a tenth
            of that frees a tenth of it.
    """
    if _counts.of(tenant) < tenant.tier.max_backlog:
        return
    shortest, longest = _RETRY_AFTER_SECONDS
    wait = min(longest, max(shortest, longest_wait(tenant.id).total_seconds() / 10))
    raise BacklogFull(
        f"{tenant.tier.max_backlog} or more of your company's messages are waiting. Nothing that was accepted is lost; "
        "send new work more slowly.",
        retry_after=wait,
    )
