"""The pulse of a process: when its main loop last came round. A process can live and hang; its pulse tells."""

import time


class Pulse:
    """Beaten by the loop that does the work, looked at by the listener."""

    def __init__(self, *, tolerance: float) -> None:
        """`tolerance` is how many seconds between two beats are still healthy."""
        self._tolerance = tolerance
        self._beat_at = time.monotonic()
        self.last_beat = time.time()

    def beat(self) -> None:
        """The loop came round."""
        self._beat_at = time.monotonic()
        self.last_beat = time.time()

    @property
    def age(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._beat_at

    @property
    def trouble(self) -> str:
        """What is wrong, in words; empty when nothing is."""
        if self.age <= self._tolerance:
            return ""
        return f"its main loop has not come round for {self.age:.0f} s ({self._tolerance:.0f} s are normal)"
