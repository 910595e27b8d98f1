"""Ending processes with everything they started: each leads a process group of its own."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

POLL_SECONDS = 0.05
# Process times come in clock ticks, and psutil adds the boot time, which is corrected now and then.
SAME_MOMENT_SECONDS = 2.0
KILL_SECONDS = 10.0


@dataclass(frozen=True)
class ProcessId:
    """A process beyond doubt: its number, which is used again, and when it began (seconds since the epoch)."""

    pid: int
    began: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """The process that has this number now; one that is gone already began at 0 and matches nothing."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return cls(pid, 0.0)

    def is_alive(self) -> bool:
        """Whether that process, and not a later one with its number, still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.began) < SAME_MOMENT_SECONDS
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def group(self) -> list[psutil.Process]:
        """The living members of the group it leads or led, itself included."""
        if psutil.pid_exists(self.pid) and not self.is_alive() and not _is_zombie(self.pid):
            return []  # the number belongs to somebody else now
        return [process for process in psutil.process_iter() if self._has_member(process)]

    def _has_member(self, process: psutil.Process) -> bool:
        try:
            ours = os.getpgid(process.pid) == self.pid and process.create_time() > self.began - SAME_MOMENT_SECONDS
            return ours and process.status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False


def terminate(processes: Iterable[ProcessId]) -> None:
    """Ask each leader, and only it, to end: it knows how to end its own children after their work."""
    for process in processes:
        if process.is_alive():
            _signal(process.pid, signal.SIGTERM)


def kill_groups(processes: Iterable[ProcessId]) -> None:
    """SIGKILL all that is left of the groups and wait until they are gone."""
    processes = list(processes)
    deadline = time.monotonic() + KILL_SECONDS
    while left := [member for process in processes for member in process.group()]:
        for member in left:
            _signal(member.pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return  # in uninterruptible sleep: the signal waits for it, nobody has to wait with it
        time.sleep(POLL_SECONDS)


def end_groups(processes: Iterable[ProcessId], *, grace_seconds: float) -> int:
    """Ask, wait for `grace_seconds`, kill what is left; how many leaders were alive."""
    processes = list(processes)
    alive = [process for process in processes if process.is_alive()]
    terminate(alive)
    deadline = time.monotonic() + grace_seconds
    while any(process.is_alive() for process in alive) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    kill_groups(processes)
    return len(alive)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
