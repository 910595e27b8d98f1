"""Who manages a runtime directory and what it started, written down for whoever comes after a SIGKILL."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wildrydes.devstack.errors import AlreadyRunning, StackError
from wildrydes.devstack.groups import ProcessId
from wildrydes.devstack.layout import Layout


@dataclass
class Record:
    """The manager and its processes.

    Attributes:
        manager: the process that holds the lock.
        processes: by name, the leaders of the groups that were started.
        states: by name, what the manager last thought of each.
    """

    manager: ProcessId
    processes: dict[str, ProcessId] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """What the last manager wrote, if it is there and whole."""
        try:
            data = json.loads(path.read_text())
            processes = {name: ProcessId(*pair) for name, pair in data["processes"].items()}
            return cls(ProcessId(*data["manager"]), processes, dict(data["states"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, path: Path) -> None:
        """Replace the file in one step: whoever reads it after a SIGKILL finds the old or the new one."""
        data = {
            "manager": [self.manager.pid, self.manager.began],
            "processes": {name: [process.pid, process.began] for name, process in self.processes.items()},
            "states": self.states,
        }
        half = path.with_suffix(".half")
        half.write_text(json.dumps(data, indent=1))
        half.replace(path)


@contextlib.contextmanager
def only_manager(layout: Layout) -> Iterator[None]:
    """Be the one manager of the runtime directory. The kernel frees the lock when the process ends, however it does.

    Raises:
        AlreadyRunning: another process holds it.
        StackError: the runtime directory cannot be written.
    """
    descriptor = _open_lock(layout)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        record = Record.read(layout.record)
        who = f" (process {record.manager.pid})" if record else ""
        raise AlreadyRunning(f"A stack already runs in {layout.var}{who}: `make down` ends it.") from None
    try:
        yield
    finally:
        os.close(descriptor)


def _open_lock(layout: Layout) -> int:
    try:
        layout.run.mkdir(parents=True, exist_ok=True)
        return os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StackError(
            f"{error.filename}: {error.strerror}: make it writable, or set WILDRYDES_VAR to another directory."
        ) from error
