"""Watching calls to the outside: whoever wants to know of every call registers here once, and no adapter can forget to tell.

The kernel knows no journal; `messaging.journal` registers from above.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.http.errors import OutboundUnknown

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundCallSeen:
    """One request to one server and how it ended. Neither query nor headers nor bodies: those carry secrets.

    `host` has the port where it is not the scheme's own, and is empty for an address that could not even be read. `path` is
    empty unless the caller said that it may be shown. `status` is None without (the head of) an answer, `error` the error's
    class, empty after a whole answer. `started_at` is this machine's clock.
    """

    method: str
    host: str
    path: str
    purpose: str
    status: int | None
    error: str
    started_at: datetime
    duration: timedelta


@dataclass(slots=True)
class CallInProgress:
    """What is known of a call while it is made."""

    method: str
    purpose: str
    host: str = ""
    path: str = ""
    status: int | None = None


Observer = Callable[[OutboundCallSeen], None]
_observers: list[Observer] = []


def observe_calls(observer: Observer) -> None:
    """Let `observer` hear of every call of this process, in the caller's thread, right after the call; a second time is one.

    What it raises is logged and changes nothing for the caller.
    """
    if observer not in _observers:
        _observers.append(observer)


@contextmanager
def observed(call: CallInProgress) -> Iterator[CallInProgress]:
    """Tell the observers when the block has ended, whichever way."""
    started_at, began, error_class = utcnow(), time.monotonic(), ""
    try:
        yield call
    except BaseException as error:
        error_class = type(error).__name__
        if isinstance(error, OutboundUnknown):
            call.status = error.status
        raise
    finally:
        seen = OutboundCallSeen(
            method=call.method[:10],
            host=call.host,
            path=call.path,
            purpose=call.purpose,
            status=call.status,
            error=error_class,
            started_at=started_at,
            duration=timedelta(seconds=time.monotonic() - began),
        )
        for observer in _observers:
            _tell(observer, seen)


def _tell(observer: Observer, seen: OutboundCallSeen) -> None:
    try:
        observer(seen)
    except Exception as error:  # noqa: BLE001  # the call has happened, whatever becomes of the note about it
        _log.warning("outbound.not_recorded", error=type(error).__name__, host=seen.host)
