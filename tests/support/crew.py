"""Real worker processes on a test's database, kept running as a supervisor would, for tests that kill them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.support.servers import ROOT


def eventually(condition: Callable[[], Any], *, within: float = 60.0, what: str = "") -> Any:
    """The condition's first true answer.

    Raises:
        AssertionError: there was none in so many seconds.
    """
    deadline = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}"
        time.sleep(0.05)
    return answer


def told(words: str) -> None:
    """Show a figure to whoever runs the test with `-s`."""
    print(words)  # noqa: T201  # figures are for people


class Member:
    """One process, started again when it dies until it is told to stop."""

    def __init__(self, argv: list[str], environment: dict[str, str], log: Path) -> None:
        self._argv, self._environment, self._log = argv, environment, log
        self.starts = 0
        self.codes: list[int] = []
        self._wanted = True
        self._deciding = threading.Lock()
        self.process = self._spawn()
        threading.Thread(target=self._keep, daemon=True).start()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self.starts += 1
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._argv, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def _keep(self) -> None:
        while self._wanted:
            code = self.process.wait()
            self.codes.append(code)
            if self._wanted:
                self._end_group()
                time.sleep(0.2)  # one that cannot start must not take the machine
                with self._deciding:
                    if not self._wanted:
                        return
                    self.process = self._spawn()

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def said(self, words: str) -> bool:
        """Whether its log has these words."""
        return words in self._log.read_text(errors="replace")

    def tell(self, number: int) -> None:
        """Send it, and nobody of its group, a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it and its children as a power cut would; the next one starts at once."""
        self._end_group()

    def stop(self, number: int = signal.SIGTERM, *, within: float = 30.0) -> float:
        """Ask it to end for good; answers the seconds that took.

        Raises:
            subprocess.TimeoutExpired: it did not.
        """
        with self._deciding:
            self._wanted = False
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(within)
        return time.monotonic() - began

    def finish(self) -> None:
        """End it, whatever it is at."""
        with self._deciding:
            self._wanted = False
        self._end_group()
        self.process.wait()


class Crew:
    """The processes of one test."""

    def __init__(self, folder: Path, *, redis_url: str, database_url: str | None = None, **messaging: object) -> None:
        """`messaging` overrides settings of MESSAGING in the processes."""
        self._folder = folder
        self._members: list[Member] = []
        given = database_url or os.environ["DATABASE_URL"]
        name = settings.DATABASES["default"]["NAME"]
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.support.sample_settings",
            "DATABASE_URL": f"{given.rpartition('/')[0]}/{name}",
            "REDIS_URL": redis_url,
            "SAMPLE_MESSAGING": json.dumps(messaging),
            "LOG_LEVEL": "INFO",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
            "SAMPLE_STARTS": str(folder / "starts"),
        }

    def start(self, name: str, *argv: str, **environment: str) -> Member:
        """Start `manage.py …`."""
        return self.run(name, "manage.py", *argv, **environment)

    def run(self, name: str, *argv: str, **environment: str) -> Member:
        """Start `python …`."""
        member = Member([sys.executable, *argv], {**self.environment, **environment}, self._folder / f"{name}.log")
        self._members.append(member)
        return member

    def worker(
        self, *argv: str, pool: str = "threads", concurrency: int = 4, name: str = "worker", **env: str
    ) -> Member:
        """A worker of the basic tier."""
        return self.start(
            name, "worker", "--tier", "basic", "--pool", pool, "--concurrency", str(concurrency), *argv, **env
        )

    def sweeper(self) -> Member:
        """A sweeper."""
        return self.start("sweeper", "sweep")

    def finish(self) -> None:
        """End all."""
        for member in self._members:
            member.finish()

    def starts(self) -> list[list[str]]:
        """What the sample's handlers noted when they were started: kind, delivery, process."""
        path = Path(self.environment["SAMPLE_STARTS"])
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []
