"""Keeps a set of processes running until it is told to stop, and writes down what it started."""

import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from wildrydes.devstack.errors import UnableToBecomeHealthy, UnknownProcess
from wildrydes.devstack.groups import ProcessId
from wildrydes.devstack.layout import Layout
from wildrydes.devstack.log import StackLog
from wildrydes.devstack.processes import ProcessSpec
from wildrydes.devstack.record import Record
from wildrydes.devstack.supervised import State, Supervised

LOOK_SECONDS = 0.05
EXAMINE_SECONDS = 0.5
# Between two looks at the health of processes that are well.
CALM_SECONDS = 5.0


class Supervisor:
    """Starts processes, starts again those that die, ends them all.

    Args:
        specs: what to run, in the order of starting.
        environment: what all processes share.
        layout: the runtime directory.
        log: where their output goes.
    """

    def __init__(
        self, specs: Sequence[ProcessSpec], *, environment: Mapping[str, str], layout: Layout, log: StackLog
    ) -> None:
        self._layout = layout
        self._log = log
        self._all = {
            spec.name: Supervised(
                spec,
                environment=environment,
                health_file=layout.health_file(spec.name),
                metrics_dir=layout.metrics(spec.name),
                log=log,
            )
            for spec in specs
        }
        self._manager = ProcessId.of(os.getpid())
        self._written: Record | None = None
        self._write_lock = threading.Lock()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._threads = (
            threading.Thread(target=self._watch, name="supervisor", daemon=True),
            threading.Thread(target=self._examine, name="health", daemon=True),
        )

    def start(self) -> None:
        """Start all processes that do not run and watch over them from now on."""
        for process in self._all.values():
            process.start()
            self._write()
        for thread in self._threads:
            if not thread.is_alive():
                thread.start()

    def stop(self, *, grace_seconds: float) -> None:
        """End all processes: ask them, wait for `grace_seconds`, kill what is left."""
        self._stopping.set()
        self._end(self._all.values(), grace_seconds=grace_seconds)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._write()

    def hurry(self) -> None:
        """Do not wait any longer for processes that are ending."""
        self._hurry.set()

    def process(self, name: str) -> Supervised:
        """The process of that name.

        Raises:
            UnknownProcess: there is none.
        """
        try:
            return self._all[name]
        except KeyError:
            raise UnknownProcess(f"There is no process {name!r}: use one of {', '.join(self._all)}.") from None

    def stop_process(self, name: str, *, grace_seconds: float) -> None:
        """End one process; it stays down until it is started again."""
        self._end([self.process(name)], grace_seconds=grace_seconds)
        self._write()

    def start_process(self, name: str) -> None:
        """Start one process that was stopped or given up."""
        self.process(name).start()
        self._write()

    def wait_healthy(self, *, seconds: float, names: Iterable[str] | None = None) -> None:
        """Wait until the processes, all of them unless named, are well.

        Raises:
            UnableToBecomeHealthy: one of them was given up, or the time is over.
        """
        wanted = [self.process(name) for name in names] if names is not None else list(self._all.values())
        deadline = time.monotonic() + seconds
        while waiting := [process for process in wanted if process.state != State.HEALTHY]:
            late = time.monotonic() > deadline
            for process in waiting:
                if late or process.state == State.GIVEN_UP:
                    raise UnableToBecomeHealthy(
                        f"{process.name} is {process.state}: {self._log.last_words(process.name)} "
                        f"(more in {self._layout.log})"
                    )
            time.sleep(LOOK_SECONDS)

    def _end(self, processes: Iterable[Supervised], *, grace_seconds: float) -> None:
        processes = list(processes)
        for process in processes:
            process.ask_to_stop()
        deadline = time.monotonic() + grace_seconds
        while not all(process.has_ended() for process in processes):
            if time.monotonic() > deadline or self._hurry.is_set():
                break
            time.sleep(LOOK_SECONDS)
        for process in processes:
            process.finish()

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            for process in self._all.values():
                process.look()
            self._write()

    def _examine(self) -> None:
        last_calm_look = 0.0
        while not self._stopping.wait(EXAMINE_SECONDS):
            calm = time.monotonic() - last_calm_look >= CALM_SECONDS
            for process in self._all.values():
                if calm or process.state != State.HEALTHY:
                    process.examine()
            if calm:
                last_calm_look = time.monotonic()

    def _write(self) -> None:
        """Write the record when it changed: it is what ends our processes if we are killed."""
        with self._write_lock:
            record = Record(
                manager=self._manager,
                processes={name: process.id for name, process in self._all.items() if process.id is not None},
                states={name: str(process.state) for name, process in self._all.items()},
            )
            if record != self._written:
                record.write(self._layout.record)
                self._written = record
