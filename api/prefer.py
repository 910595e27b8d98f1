"""`Prefer: wait=N` (RFC 7240): a client may let us wait for an operation's end instead of asking again and again.

Waiters hold a thread of the server, so they are few; whoever is one too many gets the operation as it stands, at once. No
database connection is held in a transaction meanwhile.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings

from api.models import OPEN_STATUSES, Operation
from wildrydes.kernel.lifetime import stopping

_WAIT = re.compile(r'\s*wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))\s*(?:;.*)?\Z', re.IGNORECASE | re.DOTALL | re.ASCII)
_POLL_SECONDS = 0.1


class _Seats:
    """How many may wait at once in this process."""

    def __init__(self) -> None:
        self._taken = 0
        self._lock = threading.Lock()

    @contextmanager
    def one(self, limit: int) -> Iterator[bool]:
        """Take a seat, if there is one."""
        with self._lock:
            seated = self._taken < limit
            self._taken += seated
        try:
            yield seated
        finally:
            with self._lock:
                self._taken -= seated


_seats = _Seats()


def wait_seconds(header: str) -> int | None:
    """The seconds a `Prefer` header asks to wait, capped; None when it does not, or says so in no valid way (RFC 7240, 2)."""
    for preference in header.split(","):
        if match := _WAIT.match(preference):
            return min(int(match[1] or match[2]), int(settings.API["PREFER_WAIT_MAX_SECONDS"]))
    return None


def wait_until_final(operation_id: UUID, seconds: float) -> bool:
    """Wait up to `seconds` for the operation to end. False when all seats were taken, so that nobody waited."""
    with _seats.one(int(settings.API["PREFER_WAIT_MAX_WAITERS"])) as seated:
        if not seated:
            return False
        until = time.monotonic() + seconds
        while Operation.objects.filter(id=operation_id, status__in=OPEN_STATUSES).exists():
            left = until - time.monotonic()
            if left <= 0 or stopping.wait(min(_POLL_SECONDS, left)):
                break
        return True
