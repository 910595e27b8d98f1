"""Watches: what must happen on time whatever dies, looked after by the sweeper process and the database alone.

A watch is a callable that `MESSAGING["WATCHES"]` names by its path, called about every second. It is the net below a delayed
message, which waits for the broker, and for the lease of a worker that died over it. It must be quick and idempotent.
"""

import threading
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import close_old_connections, connection
from django.utils.module_loading import import_string

_log = structlog.get_logger(__name__)
EVERY_SECONDS = 1.0


def watch_until(stop: threading.Event) -> list[threading.Thread]:
    """Start a thread for each watch, so that none waits for another, nor the sweeper for any."""
    threads = [
        threading.Thread(target=_watch, args=(path, stop), name=f"watch {path}", daemon=True)
        for path in settings.MESSAGING["WATCHES"]
    ]
    for thread in threads:
        thread.start()
    return threads


def _watch(path: str, stop: threading.Event) -> None:
    look: Callable[[], object] = import_string(path)
    failing = False
    while not stop.wait(EVERY_SECONDS):
        try:
            close_old_connections()
            look()
            failing = False
        except Exception as error:  # noqa: BLE001  # a watch outlives every fault
            if not failing:
                _log.warning("watch.interrupted", watch=path, error=type(error).__name__)
            failing = True
            connection.close()
    connection.close()
