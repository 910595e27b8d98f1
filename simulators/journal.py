"""State that survives a restart and SIGKILL: one JSON object per line, only ever appended."""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class JournalError(Exception):
    """The data file cannot be used; the text is one line and says what to do."""


class Journal:
    """An append-only file of records, locked by the one process that writes it.

    A line torn by SIGKILL can only be the last one; it was never acknowledged and is cut off at the next start. There is
    no fsync: the records survive the process, not a power cut.

    Args:
        path: the file; made, with its folder, when it is not there.

    Raises:
        JournalError: another process writes it, or it is damaged before its last line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise JournalError(f"{path} cannot be opened ({error.strerror}); choose another --data") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise JournalError(
                f"{path} is in use by another simulator; stop that one or choose another --data"
            ) from None

    def replay(self) -> Iterator[dict[str, Any]]:
        """Every record written so far, oldest first; cuts off a torn last line."""
        good = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    record = json.loads(line)
                except ValueError:
                    raise JournalError(
                        f"{self.path} is damaged in line {number}; remove the line or the file"
                    ) from None
                good += len(line)
                yield record
        os.ftruncate(self._file, good)

    def append(self, record: dict[str, Any]) -> None:
        """Write one record; when this returns, it survives the death of the process.

        Raises:
            OSError: the disk is full or failing; nothing readable was added.
        """
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        before = os.fstat(self._file).st_size
        if os.write(self._file, line) != len(line):
            os.ftruncate(self._file, before)
            raise OSError("the record could not be written whole")

    def close(self) -> None:
        """Release the file."""
        os.close(self._file)
