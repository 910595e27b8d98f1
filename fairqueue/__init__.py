"""Fair queues for Celery on Redis: one queue, many tenants, none starved.

Importing this package makes the transports known to kombu under the names `fairqueue`, `fair` and `fair-sentinel`:

    app = Celery(broker="fair+redis://localhost:6379/0")
    task.apply_async(args, MessageGroupId="acme")
"""

from kombu.transport import TRANSPORT_ALIASES

from fairqueue.errors import ClusterRefused, FairqueueError, InvalidLimit, ServerTooOld
from fairqueue.limits import Limits
from fairqueue.queues import FairQueue

__all__ = ["ClusterRefused", "FairQueue", "FairqueueError", "InvalidLimit", "Limits", "ServerTooOld"]

TRANSPORT_ALIASES.setdefault("fairqueue", "fairqueue.transport:Transport")
TRANSPORT_ALIASES.setdefault("fair", "fairqueue.transport:Transport")
TRANSPORT_ALIASES.setdefault("fair-sentinel", "fairqueue.transport:SentinelTransport")
