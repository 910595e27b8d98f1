"""The ledgers of the kill harness: which messages were worked on, and how often again."""

import threading
from pathlib import Path


class Ledgers:
    """Reads what consumers append to `folder/ledger-*`, from where it stopped the last time."""

    def __init__(self, folder: Path, messages: int) -> None:
        self._folder = folder
        self._times = bytearray(messages)
        self._read: dict[Path, int] = {}
        self._rest: dict[Path, bytes] = {}
        self._guard = threading.Lock()
        self.done = 0
        self.copies = 0

    def read(self) -> int:
        """Catch up; answers how many lines there are in all."""
        with self._guard:
            for path in self._folder.glob("ledger-*"):
                self._follow(path)
            return self.done + self.copies

    def _follow(self, path: Path) -> None:
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            found = file.read()
        if not found:
            return
        self._read[path] = self._read.get(path, 0) + len(found)
        *lines, self._rest[path] = (self._rest.get(path, b"") + found).split(b"\n")
        for line in lines:
            number = int(line)
            if self._times[number]:
                self.copies += 1
            else:
                self.done += 1
            self._times[number] = min(255, self._times[number] + 1)
