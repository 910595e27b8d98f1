"""What both servers have in common: one start at a time, reuse of what runs, recovery from what was killed."""

import abc
import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from wildrydes.embedded._users import ServerUser
from wildrydes.embedded.errors import UnableToStart, UnableToStop

READY_SECONDS = 120.0  # replaying the log of a server that was killed under load takes its time
STOP_SECONDS = 30.0
# A dying predecessor may hold its shared memory a little longer than its process lives.
START_TRIES = 6
POLL_SECONDS = 0.05
LOG_LIMIT_BYTES = 20_000_000


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Poll until `condition` holds; whether it did within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_alive(process: psutil.Process | None) -> bool:
    """Whether the process still runs. A zombie does not: it only waits for its parent to notice."""
    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class EmbeddedServer(abc.ABC):
    """A server on one data directory, started by whoever comes first and found by everybody else.

    Attributes:
        label: what people call it.
        program: the name of its process.
        data_dir: where its owner wants the data; the data itself may have to live elsewhere (`home`).
    """

    label: str
    program: str

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self._child: subprocess.Popen[bytes] | None = None
        self.user = self._choose_user()

    @property
    @abc.abstractmethod
    def home(self) -> Path:
        """The directory with the server's files."""

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """Where the application finds the server."""

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / f"{self.program}.log"

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        process = self._process()
        return process.pid if process else None

    def start(self) -> None:
        """Start the server and wait until it answers; a healthy one on the same data is used as it is.

        Raises:
            UnableToStart: it did not start, or was not ready in time; the message has the server's last words.
            EmbeddedUnavailable: this platform has no wheel.
        """
        with self._alone():
            if self.is_healthy():
                return
            self._prepare()
            if not self._join_running():
                self._clear_remains()
                self._launch()
            self._finish()

    def stop(self) -> None:
        """Stop the server and wait until it is gone. Nothing happens when it does not run.

        Raises:
            UnableToStop: it is still there, in spite of everything.
        """
        if not self.data_dir.exists():
            return
        with self._alone():
            process = self._process()
            if process is None:
                self._reap()
                return
            for signal_number in self._stop_signals():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal_number)
                if wait_until(lambda: not self._is_up(process), seconds=STOP_SECONDS):
                    return
            self._kill_everything()

    def kill(self) -> None:
        """SIGKILL the server and all its processes, as a power cut would, and wait until they are gone."""
        self._kill_everything()

    def destroy(self) -> None:
        """Stop the server and remove its data.

        Raises:
            UnableToStop: it is still there, in spite of everything.
        """
        self.stop()
        for place in (self._socket_place, self.home, self.data_dir):
            shutil.rmtree(place, ignore_errors=True)
        for remembered in ("home", "socket_dir", "socket_path"):
            vars(self).pop(remembered, None)  # the next start makes its places anew

    @abc.abstractmethod
    def is_healthy(self) -> bool:
        """Whether the server answers now."""

    @property
    @abc.abstractmethod
    def _socket_place(self) -> Path:
        """The directory of the socket; it may lie outside of `home`."""

    @abc.abstractmethod
    def _choose_user(self) -> ServerUser: ...

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Whatever has to be there before the server starts."""

    @abc.abstractmethod
    def _spawn(self) -> "subprocess.Popen[bytes]": ...

    @abc.abstractmethod
    def _process(self) -> psutil.Process | None:
        """The running server on our data, if any."""

    @abc.abstractmethod
    def _relatives(self) -> list[psutil.Process]:
        """Every process that holds our data, those whose parent was killed included."""

    @abc.abstractmethod
    def _stop_signals(self) -> tuple[int, ...]:
        """What to send for a clean end, kindest first."""

    def _finish(self) -> None:  # noqa: B027 - most servers need nothing more
        """Whatever has to be there once the server answers."""

    def _is_up(self, process: psutil.Process) -> bool:
        self._reap()
        return is_alive(process)

    def _reap(self) -> bool:
        """Whether the server we started ourselves has ended; takes note of it, so that no zombie stays."""
        return self._child is not None and self._child.poll() is not None

    def _join_running(self) -> bool:
        """A server that is starting or recovering is waited for; one that is ending or stuck is not joined."""
        process = self._process()
        if process is None:
            return False
        wait_until(lambda: self.is_healthy() or not self._is_up(process), seconds=READY_SECONDS)
        return self.is_healthy()

    def _clear_remains(self) -> None:
        """End what is left of a server that was killed: it would keep the next one from starting."""
        if self._relatives():
            self._kill_everything()

    def _kill_everything(self) -> None:
        def gone() -> bool:
            self._reap()
            relatives = [process for process in self._relatives() if is_alive(process)]
            for process in relatives:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            return not relatives

        if not wait_until(gone, seconds=STOP_SECONDS):
            raise UnableToStop(f"{self.label} in {self.home} does not end: see `ps`, then end it by hand.")

    def _launch(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        for _ in range(START_TRIES):
            child = self._child = self._spawn()
            wait_until(lambda child=child: child.poll() is not None or self.is_healthy(), seconds=READY_SECONDS)  # type: ignore[misc]
            if child.poll() is None:
                break
            time.sleep(0.3)
        if not self.is_healthy():
            self._kill_everything()
            raise UnableToStart(f"{self.label} does not start: {self._last_words()} (all of it: {self.log})")

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "; ".join(line.strip() for line in lines[-2:]) or "it said nothing"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts or stops the server on the same data meanwhile."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnableToStart(
                f"{error.filename}: {error.strerror}: start as the user it belongs to, or set WILDRYDES_VAR."
            ) from error
        try:
            if not wait_until(lambda: _locked(descriptor), seconds=READY_SECONDS + STOP_SECONDS):
                raise UnableToStart(f"{self.label} in {self.home} is being started elsewhere: wait for that to end.")
            yield
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
