"""The watch over deadlines: closes what the deadline's own message did not close in time.

The message waits for the broker, and for the lease of a worker that died over it; a request must not. The sweeper process
calls this every second; it needs the database alone.
"""

from uuid import UUID

import structlog
from django.db import connection, transaction

from fleet.services import close_call
from rfq import domain
from rfq.models import Rfq
from rfq.services import close_if_complete
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import tenant_by_id

_log = structlog.get_logger(__name__)
_AT_ONCE = 200
_OVERDUE = """
    SELECT id, tenant_id FROM fleet_call
     WHERE closed_at IS NULL AND closes_at < clock_timestamp() - make_interval(secs => %s)
     ORDER BY closes_at LIMIT %s
"""


def close_overdue() -> int:
    """Close requests whose deadline passed a moment ago; answers how many this call closed."""
    with enter_public(), connection.cursor() as cursor:
        cursor.execute(_OVERDUE, [domain.WATCH_GRACE.total_seconds(), _AT_ONCE])
        overdue = cursor.fetchall()
    return sum(_close(rfq_id, tenant_id) for rfq_id, tenant_id in overdue)


def _close(rfq_id: UUID, tenant_id: UUID) -> bool:
    with enter_public():
        tenant = tenant_by_id(tenant_id)
    if tenant is None or not tenant.is_working:
        return False
    with enter_tenant(tenant), transaction.atomic():
        closed = close_if_complete(rfq_id=rfq_id)
        if not closed and not Rfq.objects.filter(id=rfq_id).exists():
            close_call(request_id=rfq_id)
    if closed:
        _log.info("rfq.closed_by_watch", rfq=str(rfq_id))
    return closed
