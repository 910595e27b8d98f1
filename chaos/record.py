"""The harness's own record: one JSON object per line, written before anything is made of it."""

import json
import threading
import time
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Record:
    """An append-only file. Threads may write at once.

    Args:
        path: a new file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("x", encoding="utf-8")
        self._lock = threading.Lock()

    def note(self, what: str, **facts: Any) -> Line:
        """Append a line with the time (seconds since the epoch); returns it."""
        with self._lock:
            line = {"at": round(time.time(), 6), "what": what, **facts}
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        return line

    def close(self) -> None:
        """Nothing is noted any more."""
        with self._lock:
            self._file.close()


def read_record(path: Path) -> list[Line]:
    """All lines of a record.

    Raises:
        OSError, ValueError: it is not there, or not one.
    """
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
