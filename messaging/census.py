"""How many rows wait for each lane: what a long one ought to hold, so that one sees when it has lost some."""

import time
from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from django.db import connection

from messaging.outbox import Wakeup
from tenants.registry.directory import tenant_by_id

_WAITING = """
    SELECT tenant_id, queue_class, count(*) FROM messaging_delivery
     WHERE claim_id IS NULL AND not_before <= statement_timestamp() GROUP BY tenant_id, queue_class
"""
_ANY = UUID(int=0)
LEAST_SECONDS = 5.0
# A count reads the whole table: no more than a fiftieth of the time is spent on it.
_SHARE = 50


class Census:
    """Counts now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def take(self) -> Mapping[str, int] | None:
        """The number of waiting rows by lane; None when it is not time for another count."""
        began = time.monotonic()
        if began < self._next:
            return None
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            found = cursor.fetchall()
        waiting: Counter[str] = Counter()
        for tenant_id, queue_class, count in found:
            tenant = tenant_by_id(tenant_id) if tenant_id else None
            waiting[Wakeup.of(_ANY, 0, queue_class, tenant).lane] += count
        ended = time.monotonic()
        self._next = ended + max(LEAST_SECONDS, _SHARE * (ended - began))
        return waiting
