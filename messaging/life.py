"""The life of a background process, as others see it: a fresh file, a row in the database, a listener with its metrics."""

import threading

from messaging.beats import BeatRow
from messaging.needs import Needs
from wildrydes.kernel.health import Heartbeat
from wildrydes.kernel.telemetry import Collector, Listener, Pulse, begin_group, listen

# Rounds of the loops take a fraction of a second; waiting for servers that are away takes some.
_TOLERANCE_SECONDS = 20.0


class Life:
    """What a process begins, keeps up and ends to be known as alive."""

    def __init__(
        self,
        kind: str,
        *,
        about: str = "",
        needs_broker: bool,
        tolerance: float = _TOLERANCE_SECONDS,
        collectors: tuple[Collector, ...] = (),
    ) -> None:
        """`kind` is `worker`, `sweeper`, …; `tolerance` how many seconds one round of its loop may take."""
        self._file = Heartbeat()
        self._pulse = Pulse(tolerance=tolerance)
        self._row = BeatRow(kind, about=about)
        self._needs = Needs(needs_broker=needs_broker)
        self._listener = Listener(kind, pulse=self._pulse, look=self._needs.look_and_hang_up, collectors=collectors)
        self._ended = threading.Event()
        self._writer = threading.Thread(
            target=self._row.keep_writing, args=(self._ended,), name="beat-row", daemon=True
        )

    def begin(self) -> None:
        """Begin to be seen.

        Raises:
            OSError: somebody else listens on `METRICS_PORT`.
        """
        begin_group()
        listen(self._listener)
        self._writer.start()
        self.beat()

    def beat(self) -> None:
        """The process's loop came round."""
        self._pulse.beat()
        self._file.beat()

    def end(self) -> None:
        """Say goodbye: a process that was stopped on purpose is not missing."""
        self._ended.set()
        self._writer.join(timeout=2.0)
        self._row.remove()
