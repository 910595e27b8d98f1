"""When a message is due: Celery writes its ETA into a header; it is held in Redis until then, not in a worker's memory."""

from datetime import UTC, datetime
from typing import Any


def due_at_ms(message: dict[str, Any]) -> int:
    """The ETA in milliseconds since 1970, or 0 when there is none or it cannot be read: then the worker decides."""
    eta = (message.get("headers") or {}).get("eta")
    if not eta or not isinstance(eta, str):
        return 0
    try:
        moment = datetime.fromisoformat(eta)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, int(moment.timestamp() * 1000))
