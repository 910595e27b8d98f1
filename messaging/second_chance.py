"""A second chance for wake-ups that the fast path could not send in its 50 ms: a busy broker is not one that is away.

They are sent from a thread of their own a moment later, patiently, so that a hiccup costs a message milliseconds and not the ten
seconds until the sweeper looks at it. Nothing depends on it: what does not fit, fails again or dies with the process is the
sweeper's, and sending twice is harmless.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

# More than this wait only while the broker is really away.
_MOST = 1_000
_BATCH = 200
_PAUSE_SECONDS = 1.0
_IDLE_SECONDS = 30.0


class SecondChance:
    """A bounded queue and, while there is something in it, a thread that empties it.

    Args:
        send: sends a batch, or raises.
        give_up: told how many were not sent after all.
    """

    def __init__(self, send: Callable[[Sequence[Any]], None], give_up: Callable[[int], None]) -> None:
        self._send = send
        self._give_up = give_up
        self._waiting: list[Any] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def offer(self, wakeups: Sequence[Any]) -> None:
        """Take these over. Costs the caller nothing; beyond the bound they are given up at once."""
        with self._changed:
            kept = list(wakeups[: max(0, _MOST - len(self._waiting))])
            self._waiting += kept
            # A thread does not survive a fork.
            if kept and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="second-chance", daemon=True)
                self._thread.start()
            self._changed.notify()
        if len(kept) < len(wakeups):
            self._give_up(len(wakeups) - len(kept))

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: bool(self._waiting), _IDLE_SECONDS):
                    self._thread = None
                    return
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            try:
                self._send(batch)
            except Exception:  # noqa: BLE001  # any failure of the broker means the same: the sweeper sends
                self._give_up(len(batch))
                time.sleep(_PAUSE_SECONDS)
