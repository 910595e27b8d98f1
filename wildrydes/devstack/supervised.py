"""One process under supervision: started, watched, started again with growing pauses, given up."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from wildrydes.devstack.groups import ProcessId, kill_groups, terminate
from wildrydes.devstack.health import is_well
from wildrydes.devstack.layout import REPOSITORY
from wildrydes.devstack.log import StackLog
from wildrydes.devstack.processes import ProcessSpec

# A process that was well and lived this long was not broken from the start: its next death counts as the first.
STEADY_SECONDS = 10.0
QUICK_DEATHS_LIMIT = 5
# One that has never been well has a mistake to show, and somebody waits to see it.
STILLBIRTHS_LIMIT = 3
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0


class State(StrEnum):
    """What the manager thinks of a process."""

    STOPPED = "stopped"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    PAUSING = "pausing before its next start"
    GIVEN_UP = "given up"


class Supervised:
    """A process that ought to run. All methods may be called from any thread.

    Args:
        spec: what to run.
        environment: what all processes of the stack share.
        health_file: what the process touches while it is well, unless it answers over HTTP.
        metrics_dir: where it and its children keep what they have counted.
        log: where its output goes.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        *,
        environment: Mapping[str, str],
        health_file: Path,
        metrics_dir: Path,
        log: StackLog,
    ) -> None:
        self.spec = spec
        self.state = State.STOPPED
        self._environment = {**environment, **spec.env, "HEALTH_FILE": str(health_file), "PROCESS_NAME": spec.name}
        # What one process is told must not reach another by way of the environment that they share.
        self._environment.pop("METRICS_PORT", None)
        if spec.metrics_port is not None:
            self._environment |= {"METRICS_PORT": str(spec.metrics_port), "METRICS_DIR": str(metrics_dir)}
        self._health_file = health_file
        self._log = log
        self._lock = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None
        self._id: ProcessId | None = None
        self._began = 0.0
        self._next_start = 0.0
        self._quick_deaths = 0
        self._stillbirths = 0
        self._was_ever_well = False
        self._is_well_since_start = False
        self._death_was_ordered = False

    @property
    def name(self) -> str:
        """How people call the process."""
        return self.spec.name

    @property
    def id(self) -> ProcessId | None:
        """The process that was started last; it may have ended since."""
        return self._id

    @property
    def pid(self) -> int | None:
        """The running process's number."""
        with self._lock:
            return self._child.pid if self._child is not None and self._child.poll() is None else None

    def start(self) -> None:
        """Start the process unless it runs; what was given up is tried again."""
        with self._lock:
            if self.pid is None:
                self._quick_deaths = self._stillbirths = 0
                self._spawn()

    def kill(self) -> None:
        """SIGKILL the process and all its children, as a fault test would; the manager starts it again at once."""
        with self._lock:
            self._death_was_ordered = True
            if self._id is not None:
                kill_groups([self._id])

    def kill_leader(self) -> None:
        """SIGKILL the process alone, as a fault test would: its children are orphans until the manager has noticed."""
        with self._lock:
            self._death_was_ordered = True
            if self._child is not None and self._child.poll() is None:
                self._child.kill()

    def ask_to_stop(self) -> None:
        """Ask the process to end and see to it that it is not started again."""
        with self._lock:
            self.state = State.STOPPED
            if self._id is not None:
                terminate([self._id])

    def finish(self) -> None:
        """End what did not end by itself, its children included."""
        with self._lock:
            if self._id is not None:
                kill_groups([self._id])
            if self._child is not None:
                self._child.wait()

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.pid is None

    def look(self) -> None:
        """Notice a death, start again when it is time."""
        with self._lock:
            if self.state in {State.STOPPED, State.GIVEN_UP}:
                return
            if self.state == State.PAUSING:
                if time.monotonic() >= self._next_start:
                    self._spawn()
            elif self._child is not None and self._child.poll() is not None:
                self._mourn(self._child.returncode)

    def examine(self) -> None:
        """Ask whether the process is well. May take seconds, so the answer counts only for the process that gave it."""
        with self._lock:
            asked = self._child
            if self.state not in {State.STARTING, State.HEALTHY, State.UNHEALTHY}:
                return
        well = is_well(self.spec, health_file=self._health_file)
        with self._lock:
            if asked is not self._child or self.state not in {State.STARTING, State.HEALTHY, State.UNHEALTHY}:
                return
            if well and self.state != State.HEALTHY:
                self._log.say(self.name, f"healthy after {time.monotonic() - self._began:.1f} s")
                self.state = State.HEALTHY
                self._was_ever_well = self._is_well_since_start = True
            elif not well and self.state == State.HEALTHY:
                self._log.say(self.name, "does not say any more that it is well", failure=True)
                self.state = State.UNHEALTHY

    def _spawn(self) -> None:
        self._health_file.unlink(missing_ok=True)  # a predecessor's sign of life is none of the new one
        self._death_was_ordered = self._is_well_since_start = False
        self._began = time.monotonic()
        self.state = State.STARTING
        try:
            self._child = self._start_program()
        except OSError as error:
            self.state = State.GIVEN_UP
            self._log.repeat(self.name, f"{error.filename}: {error.strerror}".encode())
            return
        self._id = ProcessId.of(self._child.pid)
        if self._child.stdout is not None:
            self._log.follow(self.name, self._child.stdout)

    def _start_program(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - the stack's own commands, no shell
            self.spec.argv,
            cwd=REPOSITORY,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal reaches the manager, which ends things in order
        )

    def _mourn(self, code: int) -> None:
        """Decide what becomes of a process that ended although nobody asked it to."""
        if self._id is not None:
            kill_groups([self._id])  # children that outlive their leader would work beside the next one
        lived = time.monotonic() - self._began
        if self._death_was_ordered:
            pause = 0.0
        else:
            steady = self._is_well_since_start and lived >= STEADY_SECONDS
            self._quick_deaths = 1 if steady else self._quick_deaths + 1
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (self._quick_deaths - 1), LONGEST_PAUSE_SECONDS)
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        # One that was well is killed by its work or its surroundings: it pauses ever longer, and goes on.
        self._stillbirths = 0 if self._is_well_since_start or self._death_was_ordered else self._stillbirths + 1
        if self._stillbirths >= (QUICK_DEATHS_LIMIT if self._was_ever_well else STILLBIRTHS_LIMIT):
            self.state = State.GIVEN_UP
            self._log.say(self.name, f"{how}, {self._stillbirths} times in a row: given up", failure=True)
            return
        self.state = State.PAUSING
        self._next_start = time.monotonic() + pause
        self._log.say(self.name, f"{how} after {lived:.1f} s: starts again in {pause:.2g} s", failure=True)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def inherited_environment() -> dict[str, str]:
    """Our own environment, with output unbuffered so that the log is in step with what happens."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
