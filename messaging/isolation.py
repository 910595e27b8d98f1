"""Who may work beside whom in one process.

A delivery whose worker died is a suspect: it may have killed it, or only have stood beside the one that did. Suspects run
alone in their process, so that from the second crash on nobody but the culprit is counted: docs/decisions/suspects-run-alone.md.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Longer than the calls of most gateways: by then those that began before the suspect have ended.
PATIENCE_SECONDS = 15.0


class Place:
    """A worker's place in the process; alone in it, or beside others."""

    def __init__(self, ward: "Ward", *, alone: bool) -> None:
        self._ward = ward
        self.alone = alone

    def share(self) -> None:
        """Let others in: the delivery turned out to be none to be afraid of."""
        if self.alone:
            self._ward.open()
            self.alone = False


class Ward:
    """The one of this process. Closed while a suspect waits for the others to end or is at work; deliveries then wait outside."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False

    @contextmanager
    def enter(self) -> Iterator[Place]:
        """Wait until no suspect is at work, then come in: alone if nobody is inside, until `Place.share`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            alone = self._inside == 0
            self._closed = alone
            self._inside += 1
        yield from self._stay(Place(self, alone=alone))

    @contextmanager
    def enter_alone(self, patience: float = PATIENCE_SECONDS) -> Iterator[Place | None]:
        """Keep others from coming in, wait until those inside have ended, come in; None when they took too long."""
        give_up = time.monotonic() + patience
        with self._changed:
            if not self._changed.wait_for(lambda: not self._closed, patience):
                admitted = False
            else:
                self._closed = True
                admitted = self._changed.wait_for(lambda: self._inside == 0, max(0.0, give_up - time.monotonic()))
                if admitted:
                    self._inside += 1
                else:
                    self._closed = False
                    self._changed.notify_all()
        if not admitted:
            yield None
            return
        yield from self._stay(Place(self, alone=True))

    def open(self) -> None:
        """Let others in again."""
        with self._changed:
            self._closed = False
            self._changed.notify_all()

    def _stay(self, place: Place) -> Iterator[Place]:
        try:
            yield place
        finally:
            with self._changed:
                self._inside -= 1
                if place.alone:
                    self._closed = False
                self._changed.notify_all()


ward = Ward()
