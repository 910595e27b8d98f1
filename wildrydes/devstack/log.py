"""One readable log of many processes: on the terminal in colour, in the file with the time."""

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TextIO

COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)  # ANSI foregrounds that are readable on dark and light
FAILURE_COLOUR = 31
NAME_WIDTH = 19
LONGEST_LINE = 8192
ROTATE_BYTES = 20_000_000
# What a process repeats from outside must not steer the terminal.
CONTROL = re.compile(r"\x1b\[[0-9;]*m|[\x00-\x08\x0b-\x1f\x7f]")


def wants_colour(terminal: TextIO) -> bool:
    """Whether colours help whoever reads `terminal` (see no-color.org)."""
    return terminal.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


class StackLog:
    """Lines of all processes in the order they came, each behind its process's name.

    Args:
        path: the file.
        terminal: where people read along, if anywhere.
    """

    def __init__(self, path: Path, terminal: TextIO | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > ROTATE_BYTES:
            path.replace(path.with_suffix(".log.1"))
        path.touch(mode=0o600)  # demonstration passwords are shown in it
        self._file = path.open("a", encoding="utf-8", errors="replace")
        self._terminal = terminal
        self._colour = terminal is not None and wants_colour(terminal)
        self._spotlight: str | None = None
        self._lock = threading.Lock()
        self._colours: dict[str, int] = {}
        self._last: dict[str, str] = {}

    def say(self, name: str, text: str, *, failure: bool = False) -> None:
        """Write one line about `name`; nothing that happens to the terminal stops the stack."""
        self._write(name, CONTROL.sub("", text.rstrip()), failure=failure)

    def repeat(self, name: str, line: bytes) -> None:
        """Write a line that `name` itself said, and remember it as its last words."""
        text = CONTROL.sub("", line.decode("utf-8", errors="replace").rstrip())
        if text:  # blank lines keep paragraphs apart in a log of one's own; here they only scatter
            self._last[name] = text
            self._write(name, text, failure=False)

    @contextlib.contextmanager
    def spotlight(self, name: str) -> Iterator[None]:
        """Show only this one and failures on the terminal for a while; the file takes everything."""
        self._spotlight = name
        try:
            yield
        finally:
            self._spotlight = None

    def last_words(self, name: str) -> str:
        """The last line that `name` said, for a message about its end."""
        return self._last.get(name, "it said nothing")

    def follow(self, name: str, stream: IO[bytes]) -> None:
        """Write whatever comes out of `stream` until it ends, from a thread of its own."""
        threading.Thread(target=self._pump, args=(name, stream), name=f"log-{name}", daemon=True).start()

    def close(self) -> None:
        """Close the file; what still comes is shown on the terminal only."""
        with self._lock:
            self._file.close()

    def _write(self, name: str, text: str, *, failure: bool) -> None:
        with self._lock:
            if not self._file.closed:
                self._file.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {name:{NAME_WIDTH}} {text}\n")
                self._file.flush()
            self._show(name, text, failure=failure)

    def _pump(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            for line in iter(lambda: stream.readline(LONGEST_LINE), b""):
                self.repeat(name, line)

    def _show(self, name: str, text: str, *, failure: bool) -> None:
        if self._terminal is None or (self._spotlight not in {None, name} and not failure):
            return
        prefix = f"{name:{NAME_WIDTH}} │"
        if self._colour:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
            text = f"\x1b[{FAILURE_COLOUR}m{text}\x1b[0m" if failure else text
        try:
            print(f"{prefix} {text}", file=self._terminal, flush=True)
        except (OSError, ValueError):  # the terminal was closed: the file goes on
            self._terminal = None
