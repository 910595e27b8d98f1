"""The whole product on one machine: servers, processes and what they need to find each other."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TextIO

from wildrydes.devstack.environment import describe_stack, ensure_secrets, write_env_file
from wildrydes.devstack.errors import UnableToPrepare
from wildrydes.devstack.groups import ProcessId, end_groups
from wildrydes.devstack.layout import REPOSITORY, Layout
from wildrydes.devstack.log import StackLog
from wildrydes.devstack.ports import Ports
from wildrydes.devstack.processes import ProcessFactory, product_processes
from wildrydes.devstack.record import Record, only_manager
from wildrydes.devstack.scraping import write_configuration
from wildrydes.devstack.servers import Servers
from wildrydes.devstack.supervised import Supervised, inherited_environment
from wildrydes.devstack.supervisor import Supervisor

# A worker finishes the task it is at; gateways have call limits below this.
GRACE_SECONDS = 15.0
HEALTHY_SECONDS = 90.0
# Under this name the log shows what a user of the product sees.
USER = "you"
MIGRATE = (("migrate_schemas", "--shared"), ("migrate_tenants",))


class Stack:
    """A running product, for `make up` and for tests that kill parts of it.

    Args:
        var_dir: the runtime directory; one stack at a time lives in it.
        ports: chooses where to listen, once nothing of an earlier run is in the way; free ports by default.
        processes: makes the list of processes from the ports and the runtime directory.
        only: names of those to start; all by default.
        prepare: `manage.py` commands that have to succeed before the processes start.
        environment: variables for all processes, over our own environment's.
        terminal: where the log is shown, besides its file.
        fsync: False trades durability against power cuts for speed: for tests.
    """

    def __init__(
        self,
        var_dir: Path,
        *,
        ports: Callable[[], Ports] = Ports.free,
        processes: ProcessFactory = product_processes,
        only: Collection[str] | None = None,
        prepare: Sequence[Sequence[str]] = MIGRATE,
        environment: Mapping[str, str] | None = None,
        terminal: TextIO | None = None,
        fsync: bool = True,
    ) -> None:
        self.layout = Layout(var_dir.absolute())
        self._choose_ports = ports
        self._extra = dict(environment or {})
        self._processes = processes
        self._only = only
        self._prepare = prepare
        self._terminal = terminal
        self._fsync = fsync
        self._is_manager = False
        self._held = contextlib.ExitStack()
        self._supervisor: Supervisor | None = None
        self._servers: Servers | None = None
        self._log: StackLog | None = None
        self._environment: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What all processes have in their environment: DATABASE_URL, REDIS_URL, keys, addresses."""
        return dict(self._environment)

    @cached_property
    def ports(self) -> Ports:
        """Where the stack listens.

        Raises:
            PortInUse: somebody else listens where the stack was told to.
        """
        return self._choose_ports()

    @property
    def base_url(self) -> str:
        """The web's address without a tenant's name; tenants are told apart by the Host header."""
        return f"http://127.0.0.1:{self.ports.web}"

    @property
    def servers(self) -> Servers:
        """Database and broker; tests stop and kill them here."""
        if self._servers is None:
            self._servers = Servers(self.layout, environment={**os.environ, **self._extra}, fsync=self._fsync)
        return self._servers

    @property
    def log(self) -> StackLog:
        """The one log."""
        if self._log is None:
            self._log = StackLog(self.layout.log, self._terminal)
        return self._log

    def start(self) -> None:
        """Start everything, from servers to processes; what an earlier, killed stack left behind is ended first.

        Raises:
            StackError: another stack runs here, or a preparing command failed.
            EmbeddedError: a server does not start.
        """
        self._held.enter_context(only_manager(self.layout))
        self._is_manager = True
        try:
            self._end_remains()
            Record(ProcessId.of(os.getpid())).write(self.layout.record)
            self.announce(f"runs in {self.layout.var}, serves on {self.base_url}")
            self.layout.static.mkdir(exist_ok=True)
            self.servers.start(self.log)
            self._describe()
            for command in self._prepare:
                self.manage(*command)
            all_specs = self._processes(self.ports, self.layout)
            specs = [spec for spec in all_specs if self._only is None or spec.name in self._only]
            self.announce(f"starting {', '.join(spec.name for spec in specs)}")
            write_configuration(self.layout.prometheus, specs)
            self._supervisor = Supervisor(specs, environment=self._environment, layout=self.layout, log=self.log)
            self._supervisor.start()
        except BaseException:
            self.stop()
            raise

    def stop(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """End everything; what was never started is none the worse for it."""
        if not self._is_manager:
            return
        self._is_manager = False
        self.announce("ending everything")
        with self._held:
            try:
                if self._supervisor is not None:
                    self._supervisor.stop(grace_seconds=grace_seconds)
            finally:
                self.servers.stop()
                self.log.close()
                self._log = None

    def hurry(self) -> None:
        """Do not wait any longer for processes that are ending."""
        if self._supervisor is not None:
            self._supervisor.hurry()

    def process(self, name: str) -> Supervised:
        """The process of that name: `.pid`, `.state`, `.kill()`.

        Raises:
            UnknownProcess: there is none.
        """
        return self._running.process(name)

    def stop_process(self, name: str, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """End one process; it stays down until `start_process`."""
        self._running.stop_process(name, grace_seconds=grace_seconds)

    def start_process(self, name: str) -> None:
        """Start one process that was stopped or given up."""
        self._running.start_process(name)

    def wait_healthy(self, timeout: float = HEALTHY_SECONDS, *, names: Collection[str] | None = None) -> None:
        """Wait until the processes, all of them unless named, are well.

        Args:
            timeout: seconds.
            names: which ones.

        Raises:
            UnableToBecomeHealthy: one of them was given up, or the time is over.
        """
        self._running.wait_healthy(seconds=timeout, names=names)

    def heal(self, timeout: float = HEALTHY_SECONDS) -> None:
        """Start again whatever was stopped or killed, servers included, and wait until all is well.

        Args:
            timeout: seconds.

        Raises:
            UnableToBecomeHealthy: something stays ill.
            EmbeddedError: a server does not start.
        """
        for server in self.servers.embedded:
            server.start()
        self._running.start()
        self.wait_healthy(timeout)

    def manage(self, *command: str) -> None:
        """Run a `manage.py` command against the stack, its output in the log.

        Raises:
            UnableToPrepare: it failed; the message has its last words.
        """
        name = command[0]
        began = time.monotonic()
        self.announce(f"manage.py {' '.join(command)} …")
        with subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, str(REPOSITORY / "manage.py"), *command],
            cwd=REPOSITORY,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as child:
            try:
                for line in child.stdout or ():
                    self.log.repeat(name, line)
            except BaseException:
                child.terminate()
                raise
        if child.returncode != 0:
            raise UnableToPrepare(
                f"manage.py {' '.join(command)} failed: {self.log.last_words(name)} (more in {self.layout.log})"
            )
        self.announce(f"manage.py {' '.join(command)} done in {time.monotonic() - began:.1f} s")

    def announce(self, text: str) -> None:
        """Say something on the manager's behalf in the log."""
        self.log.say("stack", text)

    def say_as_user(self, text: str) -> None:
        """Show what a user of the product sees."""
        self.log.say(USER, text)

    @property
    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise RuntimeError("The stack was not started.")
        return self._supervisor

    def _end_remains(self) -> None:
        record = Record.read(self.layout.record)
        ended = end_groups(record.processes.values(), grace_seconds=GRACE_SECONDS) if record else 0
        if ended:
            self.announce(f"ended {ended} processes of an earlier run that was killed")

    def _describe(self) -> None:
        stack = describe_stack(
            database_url=self.servers.database_url, redis_url=self.servers.redis_url, ports=self.ports
        )
        kept = ensure_secrets(self.layout)
        asked = {**os.environ, **self._extra}
        addresses = {key: asked.get(key, value) if key in OVERRIDABLE else value for key, value in stack.items()}
        write_env_file(self.layout.environment, addresses, comment="The stack that was started here last.")
        self._environment = {
            **kept,
            **inherited_environment(),
            **self._extra,
            **addresses,
            "WILDRYDES_VAR": str(self.layout.var),
        }


# What the environment may set otherwise; everything else describes what was really started.
OVERRIDABLE = frozenset({"ENVIRONMENT", "PUBLIC_DOMAIN", "OUTBOUND_ALLOW", "BROKER_TRANSPORT"})
