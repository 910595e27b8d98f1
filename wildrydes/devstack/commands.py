"""What `make up`, `demo`, `down`, `reset` and `status` do."""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

from wildrydes.devstack.dialogue import JobNotDone, book_for
from wildrydes.devstack.groups import end_groups
from wildrydes.devstack.layout import Layout
from wildrydes.devstack.logins import Logins
from wildrydes.devstack.ports import Ports
from wildrydes.devstack.quoting import quotes_for
from wildrydes.devstack.reachable import check_servers
from wildrydes.devstack.record import Record, only_manager
from wildrydes.devstack.servers import Servers
from wildrydes.devstack.stack import GRACE_SECONDS, USER, Stack

# Longer than a manager needs to end its processes and servers.
DOWN_SECONDS = 60.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked the manager to end: from wherever it is, everything is taken down."""


def up(layout: Layout) -> int:
    """Start everything, book a ride for each demonstration tenant, serve until Ctrl-C."""
    with _started(layout) as stack:
        try:
            _main_job(stack)
        except JobNotDone as error:
            stack.log.say("stack", str(error), failure=True)  # serve all the same: that is how one finds out why
        stack.announce("serving until Ctrl-C")
        while True:
            signal.pause()


def demo(layout: Layout) -> int:
    """Start everything, book a ride for each demonstration tenant, end everything."""
    with _started(layout) as stack:
        _main_job(stack)
        stack.announce("the job is done")
    return 0


def down(layout: Layout) -> int:
    """End the stack of this runtime directory, or what is left of one that was killed."""
    record = Record.read(layout.record)
    if _is_locked(layout) and record is not None and record.manager.is_alive():
        print(f"ending the stack of process {record.manager.pid} …", flush=True)
        os.kill(record.manager.pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while _is_locked(layout) and time.monotonic() < deadline:
            time.sleep(0.1)
        if _is_locked(layout):
            os.kill(record.manager.pid, signal.SIGKILL)
    with only_manager(layout):
        record = Record.read(layout.record)
        if record is not None:
            end_groups(record.processes.values(), grace_seconds=GRACE_SECONDS)
        _own_servers(layout).stop()
        layout.record.unlink(missing_ok=True)
    print("nothing of the stack runs any more")
    return 0


def reset(layout: Layout) -> int:
    """End the stack and remove its data: databases, messages, keys, logs."""
    down(layout)
    for server in _own_servers(layout).embedded:
        server.destroy()
    for path in layout.everything():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    print(f"removed the stack's data from {layout.var}")
    return 0


def status(layout: Layout) -> int:
    """Say what runs; 0 when a manager does, 3 when not (as an init script would)."""
    record = Record.read(layout.record)
    running = record is not None and _is_locked(layout)
    print(f"stack in {layout.var}: {'runs' if running else 'does not run'}")
    if record is not None:
        for name, process in record.processes.items():
            alive = process.is_alive()
            state = record.states.get(name, "") if running else "left over: `make down` ends it"
            print(f"  {name:20} {f'process {process.pid}, {state}' if alive else 'does not run'}")
    return 0 if running else 3


@contextlib.contextmanager
def _started(layout: Layout) -> Iterator[Stack]:
    Ports.of_environment(os.environ)  # a port in use is told first
    check_servers(os.environ)
    stack = Stack(layout.var, ports=lambda: Ports.of_environment(os.environ), terminal=sys.stdout)
    signals = _StopSignals(stack)
    try:
        stack.start()
        stack.wait_healthy()
        yield stack
    finally:
        signals.expected = True
        stack.stop()


class _StopSignals:
    """The first signal ends the stack in order, later ones in a hurry; none of them leaves something behind.

    Attributes:
        expected: whether the stack is ending already.
    """

    def __init__(self, stack: Stack) -> None:
        self.expected = False
        self._stack = stack
        for number in STOP_SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.expected:
            self._stack.hurry()
            return
        self.expected = True
        raise Stopped


def _main_job(stack: Stack) -> None:
    """Onboard the demonstration tenants, book a ride for each, ask for quotes, say where everything is."""
    # A ride that is booked before the first tick of the schedule would find nobody.
    stack.manage("sync_fleet")
    stack.manage("fleet_credentials", "--file", str(stack.layout.fleet))
    stack.manage("seed_demo")
    logins = Logins.read(stack.layout.demo)
    with stack.log.spotlight(USER):
        book_for(logins.tenants, base_url=stack.base_url, show=stack.say_as_user)
        quotes_for(logins.tenants[:1], base_url=stack.base_url, show=stack.say_as_user)
    for login in logins.tenants:
        stack.announce(f"{login.tier:10} {login.url}/api/docs  {login.email}  {login.password}")
    if logins.staff is not None:
        stack.announce(f"{'console':10} {logins.staff.url}  {logins.staff.email}  {logins.staff.password}")
    config = os.path.relpath(stack.layout.prometheus)
    stack.announce(
        f"{'metrics':10} http://127.0.0.1:{stack.ports.metrics}/metrics  (all: prometheus --config.file={config})"
    )


def _is_locked(layout: Layout) -> bool:
    try:
        with layout.lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _own_servers(layout: Layout) -> Servers:
    """The embedded servers of this directory, whatever the environment says now."""
    return Servers(layout, environment={})
