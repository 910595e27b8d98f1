"""The ids that tie together what belongs to one request."""

from uuid import UUID

import structlog

from wildrydes.kernel.ids import new_id


def request_id() -> str:
    """The id of the request being served, as echoed in `X-Request-Id`; empty outside of a request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def correlation_id() -> UUID:
    """The id that everything set in motion by this request shares: the request's own when it is a UUID, else a new one."""
    try:
        return UUID(str(structlog.contextvars.get_contextvars().get("correlation_id", "")))
    except ValueError:
        return new_id()
