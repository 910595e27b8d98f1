"""How a worker process ends: it finishes what it is at; what takes longer than the grace period is handed over, uncounted.

Told to stop, Celery takes nothing new and waits for its handlers, however long. A supervisor does not: it kills, each handler's
lease has to run out, and a crash is counted that was none. So the claims are released shortly before, which makes them anybody's,
and the process goes; the claim id refuses whatever such a handler might still write.
"""

import os
import signal
import threading
from collections.abc import Sequence

import structlog
from billiard import active_children
from celery import signals
from django.db import Error, connection

from messaging.claims import hand_over, worker_name
from messaging.heartbeat import heart
from messaging.settings import worker_grace_seconds
from tenants.registry.context import enter_public
from wildrydes.kernel.waits import bound_answers

_log = structlog.get_logger(__name__)
# A database that does not answer must not keep the process: then the leases run out.
_HAND_OVER_SECONDS = 3.0
_HUNG = 70  # the exit code of EX_SOFTWARE: a supervisor starts it again


class Leaving:
    """Watches over the end of one worker process and, with the prefork pool, of its children."""

    def __init__(self, *, pool: str) -> None:
        self._pool = pool
        self._exit_code = 0
        self._begun = threading.Lock()

    def watch(self) -> None:
        """Be there when the process is told to stop, and when a handler hangs."""
        signals.worker_shutting_down.connect(self._begin, weak=False)
        signals.worker_ready.connect(self._take_quit, weak=False)
        heart.guard()
        if self._pool == "prefork":
            # Runs in each child after the fork.
            signals.worker_process_init.connect(_guard_child, weak=False)
        else:
            heart.when_hung(self._leave_because_hung)

    def _take_quit(self, **kwargs: object) -> None:
        # Celery's own way of ending at once would leave every claim to its lease.
        signal.signal(signal.SIGQUIT, lambda *_: self._begin(how="Cold"))

    def _begin(self, *, how: str = "Warm", **kwargs: object) -> None:
        """Runs in a signal handler, perhaps more than once: only the first counts, unless it hurries."""
        if how == "Warm" and not self._begun.acquire(blocking=False):
            return
        grace = worker_grace_seconds() if how == "Warm" else 0.0
        if not grace:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_IGN)
        leaving = threading.Thread(target=self._see_to_the_end, args=(grace,), name="leaving", daemon=True)
        leaving.start()
        if not grace:
            leaving.join(2 * _HAND_OVER_SECONDS)  # Celery would end the process before

    def _leave_because_hung(self) -> None:
        """A thread cannot be ended: let the others finish, then end the process and let the supervisor start a new one."""
        self._exit_code = _HUNG
        os.kill(os.getpid(), signal.SIGTERM)

    def _see_to_the_end(self, grace: float) -> None:
        # Nothing keeps this thread from being ended with the process when all handlers are done.
        threading.Event().wait(grace)
        children = active_children() if self._pool == "prefork" else []
        pids = [child.pid for child in children if child.pid is not None]
        workers = [worker_name(pid) for pid in pids] or [worker_name()]
        handing_over = threading.Thread(target=_hand_over, args=(workers,), daemon=True)
        handing_over.start()
        handing_over.join(_HAND_OVER_SECONDS)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        os._exit(self._exit_code)


def _hand_over(workers: Sequence[str]) -> None:
    try:
        with enter_public():
            released = hand_over(workers, but=heart.given_up)
        _log.warning("worker.handed_over", deliveries=released)
    except Error as error:
        _log.warning("worker.left_to_its_leases", error=type(error).__name__)
    finally:
        connection.close()


def _guard_child(**kwargs: object) -> None:
    """A child is at one message at a time: when that hangs, it goes, and the parent starts another."""
    bound_answers()
    heart.guard()
    heart.when_hung(lambda: os._exit(_HUNG))
