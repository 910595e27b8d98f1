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

# With their schemes, too: after a failover kombu takes the scheme of the next URL for the transport.
for _name in ("fairqueue", "fair", "fair+redis", "fair+rediss", "fair+socket"):
    TRANSPORT_ALIASES.setdefault(_name, "fairqueue.transport:Transport")
for _name in ("fair-sentinel", "fair-sentinel+sentinel"):
    TRANSPORT_ALIASES.setdefault(_name, "fairqueue.transport:SentinelTransport")
