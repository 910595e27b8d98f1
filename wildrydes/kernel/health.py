"""The sign of life of a process that serves no HTTP: a file whose modification time is fresh.

The process manager and a container's health check look at it, so neither needs to start Django or ask the broker.
"""

import os
import time
from pathlib import Path


class Heartbeat:
    """Touches the file named by the environment variable `HEALTH_FILE`; does nothing when it is not set."""

    def __init__(self, every: float = 2.0) -> None:
        """`every` is the least time between two touches, in seconds."""
        configured = os.environ.get("HEALTH_FILE", "")
        self._path = Path(configured) if configured else None
        self._every = every
        self._last = float("-inf")

    def beat(self) -> None:
        """Touch the file unless that was done a moment ago."""
        now = time.monotonic()
        if self._path is not None and now - self._last >= self._every:
            self._last = now
            self._path.touch()
