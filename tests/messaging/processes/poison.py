"""A topology of good work and ten kinds of poison, for real worker processes."""

import ctypes
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from messaging.errors import Reject
from messaging.messages import Command, Envelope, Event
from messaging.retry import RetryPolicy
from messaging.services import publish
from messaging.topology import DeadCause, QueueClass, Route, Topology


class Work(Command, frozen=True, kw_only=True):
    topic: ClassVar[str] = "poison.work"
    kind: str
    thing_id: UUID
    seconds: float = 0.0


class Hang(Command, frozen=True, kw_only=True):
    """Work that never ends, with a short time limit."""

    topic: ClassVar[str] = "poison.hang"
    thing_id: UUID
    kind: str = "hang"
    seconds: float = 0.0


class CallWork(Command, frozen=True, kw_only=True):
    topic: ClassVar[str] = "poison.call"
    kind: str
    thing_id: UUID
    seconds: float = 0.0


class Effect(Event, frozen=True, kw_only=True):
    """What a handler did: a row in the journal, committed with it or not at all."""

    topic: ClassVar[str] = "poison.effect"
    kind: str
    thing_id: UUID


class Misfit(Event, frozen=True, kw_only=True):
    """A payload that fits no handler of this topology."""

    topic: ClassVar[str] = "poison.misfit"
    nothing_that_fits: int


class Outcome(Event, frozen=True, kw_only=True):
    """The business outcome of a dead one."""

    topic: ClassVar[str] = "poison.outcome"
    kind: str
    thing_id: UUID


def note_start(message: Envelope[Any]) -> None:
    """Tell the test, in a way that survives whatever comes next."""
    file = os.open(os.environ["SAMPLE_STARTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{message.body.kind} {message.delivery_id} {os.getpid()}\n".encode())
    os.close(file)


def use_up_memory(kind: str) -> None:
    """As in a container: the next page is refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + 50_000_000, hard))
    try:
        bytearray(200_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def fail(kind: str) -> None:
    raise ValueError(kind)


def refuse(kind: str) -> None:
    raise Reject(kind)


def hang(kind: str) -> None:
    while True:
        time.sleep(0.01)


POISON: dict[str, Callable[[str], object]] = {
    "raise": fail,
    "bad_outcome": fail,
    "reject": refuse,
    "memory": use_up_memory,
    "exit": lambda _: os._exit(0),
    "segfault": lambda _: ctypes.string_at(0),
    "stuck": lambda _: ctypes.PyDLL(None).sleep(120),  # never lets go of the interpreter
    "hang": hang,
}


def perform(message: Envelope[Any]) -> None:
    note_start(message)
    time.sleep(message.body.seconds)
    if message.body.kind in POISON:
        POISON[message.body.kind](message.body.kind)
    publish(Effect(kind=message.body.kind, thing_id=message.body.thing_id))


def died(message: Envelope[Any], cause: DeadCause) -> None:
    if message.body.kind == "bad_outcome":
        raise ValueError("the outcome is broken too")
    publish(Outcome(kind=message.body.kind, thing_id=message.body.thing_id))


@dataclass(frozen=True)
class Asked:
    may_have_been_sent: bool
    message: Envelope[Any]


class Calling:
    """The gateway's shape of the same: everything happens in the call."""

    def prepare(self, message: Envelope[Any]) -> Asked | None:
        return Asked(may_have_been_sent=message.attempt > 1, message=message)

    def lookup(self, intent: Asked) -> str | None:
        return None

    def call(self, intent: Asked) -> str:
        note_start(intent.message)
        time.sleep(intent.message.body.seconds)
        if intent.message.body.kind == "exit":
            os._exit(1)
        return "answer"

    def settle(self, message: Envelope[Any], intent: Asked, result: str) -> None:
        publish(Effect(kind=message.body.kind, thing_id=message.body.thing_id))


QUICK = RetryPolicy(attempts=3, crashes=3, base=0.05, cap=0.2)
TOPOLOGY = Topology(
    [
        Route(
            message=Work,
            name="poison.work",
            handler=perform,
            queue_class=QueueClass.BOOKINGS,
            retry=QUICK,
            time_limit=30.0,
            on_dead=died,
        ),
        Route(
            message=Hang,
            name="poison.hang",
            handler=perform,
            queue_class=QueueClass.BOOKINGS,
            retry=QUICK,
            time_limit=2.0,
            on_dead=died,
        ),
        Route(
            message=CallWork,
            name="poison.call",
            handler=Calling(),
            queue_class=QueueClass.PAYMENTS,
            retry=QUICK,
            time_limit=60.0,
            on_dead=died,
        ),
    ]
)
