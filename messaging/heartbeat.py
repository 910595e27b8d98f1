"""Heartbeats: while a handler works, a thread of its process renews the lease every third of it.

A handler that hangs past its route's time limit is no longer renewed, so that another worker takes over, and its process ends:
a thread cannot be ended by itself, and pools would fill with such. A process that dies or loses its database stops beating, which
is the point. One whose interpreter stands still (an extension that never lets go of it) is ended by a watchdog that needs none.
"""

import faulthandler
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import Error, connection

from messaging.claims import Claim, extend
from messaging.settings import lease_seconds

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Held:
    delivery_id: UUID
    give_up_at: float
    next_beat: float


class Heart:
    """The leases that this process holds, and the thread that renews them. Started by the first claim, after any fork."""

    def __init__(self) -> None:
        self._held: dict[UUID, _Held] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wakes_at = math.inf
        self._lively = False
        self._guarded = False
        self._when_hung: Callable[[], None] = lambda: None
        self.given_up: set[UUID] = set()
        """The claims whose handlers hang."""

    def guard(self) -> None:
        """End this process when its heart stands still for two leases while it holds claims. For workers, not for tests."""
        self._guarded = True

    def when_hung(self, end: Callable[[], None]) -> None:
        """What ends this process when a handler hangs past its time limit."""
        self._when_hung = end

    @contextmanager
    def keeping(self, claimed: Claim, *, time_limit: float) -> Iterator[None]:
        """Renew this claim until the block ends, or for `time_limit` seconds."""
        now = time.monotonic()
        first_beat = now + lease_seconds() / 3
        with self._changed:
            self._held[claimed.claim_id] = _Held(claimed.id, now + time_limit, first_beat)
            self._lively = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()
            elif first_beat < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._held.pop(claimed.claim_id, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._held and not self._lively:
                    self._set_watchdog(armed=False)
                    connection.close()  # an idle process keeps no connection for its heart
                    self._wakes_at = math.inf
                    self._changed.wait()
                self._lively = False
                self._set_watchdog(armed=True)
                # While there is work it wakes by itself, at the latest when a claim that is taken from now on would beat first:
                # most claims are over long before, and none has to wake it.
                self._wakes_at = time.monotonic() + lease_seconds() / 3
                for held in self._held.values():
                    self._wakes_at = min(self._wakes_at, held.next_beat)
                self._changed.wait(max(0.0, self._wakes_at - time.monotonic()))
                due = self._due(time.monotonic())
            if due:
                self._beat(due)

    def _set_watchdog(self, *, armed: bool) -> None:
        if not self._guarded:
            return
        if armed:
            faulthandler.dump_traceback_later(2 * lease_seconds(), exit=True)
        else:
            faulthandler.cancel_dump_traceback_later()

    def _due(self, now: float) -> dict[UUID, UUID]:
        due = {}
        for claim_id, held in list(self._held.items()):
            if now >= held.give_up_at:
                _log.error("heartbeat.gave_up", delivery=str(held.delivery_id), reason="time limit")
                del self._held[claim_id]
                self.given_up.add(claim_id)
                self._when_hung()
            elif now >= held.next_beat:
                held.next_beat = now + lease_seconds() / 3
                due[held.delivery_id] = claim_id
        return due

    def _beat(self, due: dict[UUID, UUID]) -> None:
        try:
            kept = extend(due)
        except Error as error:
            # The next beat tries again with a new connection; until then the lease runs.
            _log.warning("heartbeat.failed", error=type(error).__name__)
            connection.close()
            return
        for claim_id in set(due.values()) - kept:
            with self._changed:
                lost = self._held.pop(claim_id, None)
            if lost is not None:
                _log.warning("heartbeat.lost", delivery=str(lost.delivery_id))


heart = Heart()
