"""Watches are called again and again, whatever befalls them, and end with the process."""

import threading
import time

import pytest

from messaging import watches

_CALLS: list[float] = []


def failing_at_first() -> None:
    """A watch that fails the first time."""
    _CALLS.append(time.monotonic())
    if len(_CALLS) == 1:
        raise RuntimeError("the database is away")


def test_a_watch_outlives_its_faults_and_ends_when_told(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _CALLS.clear()
    monkeypatch.setattr(watches, "EVERY_SECONDS", 0.01)
    settings.MESSAGING = {**settings.MESSAGING, "WATCHES": [f"{__name__}.failing_at_first"]}
    stop = threading.Event()
    (thread,) = watches.watch_until(stop)
    give_up = time.monotonic() + 10
    while len(_CALLS) < 3:
        assert time.monotonic() < give_up
        time.sleep(0.005)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
