"""A small topology of the tests' own, with handlers that do as they are told."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from messaging.deadletters.redriving.events import DriveRun
from messaging.deadletters.redriving.handlers import drive_run, drive_run_is_dead
from messaging.errors import Reject
from messaging.messages import Command, Envelope, Event, Obsolete
from messaging.retry import RetryPolicy
from messaging.topology import DeadCause, Prospect, QueueClass, Route, Scope, Topology, Verdict


class ThingHappened(Event, frozen=True, kw_only=True):
    topic: ClassVar[str] = "sample.thing_happened"
    thing_id: UUID


class DoThing(Command, frozen=True, kw_only=True):
    topic: ClassVar[str] = "sample.do_thing"
    thing_id: UUID
    note: str = ""


class CallOut(Command, frozen=True, kw_only=True):
    topic: ClassVar[str] = "sample.call_out"
    thing_id: UUID


class TendPlatform(Command, frozen=True, kw_only=True):
    topic: ClassVar[str] = "sample.tend_platform"


@dataclass
class Recorder:
    """What the handlers saw, and what they are told to do next."""

    seen: list[Envelope[Any]] = field(default_factory=list)
    outcomes: list[tuple[Envelope[Any], DeadCause]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    do: Callable[[Envelope[Any]], None] | None = None
    on_dead: Callable[[], None] | None = None
    sent_before: bool = False
    known: str | None = None
    on_call: Callable[[], None] | None = None
    answer: Obsolete | None = None
    nothing_to_prepare: bool = False
    prospect: Prospect | None = None
    on_foresee: Callable[[Envelope[Any]], None] | None = None

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]


recorder = Recorder()


def react(message: Envelope[Any]) -> Obsolete | None:
    recorder.seen.append(message)
    if recorder.do is not None:
        recorder.do(message)
    return recorder.answer


def foresee(message: Envelope[Any]) -> Prospect:
    if recorder.on_foresee is not None:
        recorder.on_foresee(message)
    return recorder.prospect or Prospect(verdict=Verdict.ACT, summary="It would be done.")


def react_too(message: Envelope[Any]) -> None:
    recorder.steps.append("second subscriber")


def died(message: Envelope[Any], cause: DeadCause) -> None:
    if recorder.on_dead is not None:
        recorder.on_dead()
    recorder.outcomes.append((message, cause))


@dataclass(frozen=True)
class SampleIntent:
    may_have_been_sent: bool


class SampleGateway:
    def prepare(self, message: Envelope[Any]) -> SampleIntent | None:
        recorder.steps.append("prepare")
        if recorder.nothing_to_prepare:
            return None
        return SampleIntent(may_have_been_sent=recorder.sent_before)

    def lookup(self, intent: SampleIntent) -> str | None:
        recorder.steps.append("lookup")
        return recorder.known

    def call(self, intent: SampleIntent) -> str:
        recorder.steps.append("call")
        if recorder.on_call is not None:
            recorder.on_call()
        return "answer"

    def settle(self, message: Envelope[Any], intent: SampleIntent, result: str) -> None:
        recorder.steps.append(f"settle {result}")


def refuse(message: Envelope[Any]) -> None:
    raise Reject("never")


def hang(message: Envelope[Any]) -> None:
    time.sleep(60)


QUICK = RetryPolicy(attempts=3, crashes=2, base=0.01, cap=0.01)

TOPOLOGY = Topology(
    [
        Route(
            message=ThingHappened,
            name="sample.react",
            handler=react,
            queue_class=QueueClass.LOYALTY,
            retry=QUICK,
            on_dead=died,
        ),
        Route(message=ThingHappened, name="sample.react_too", handler=react_too, queue_class=QueueClass.NOTIFICATIONS),
        Route(
            message=DoThing,
            name="sample.do",
            handler=react,
            queue_class=QueueClass.BOOKINGS,
            retry=QUICK,
            on_dead=died,
            foresee=foresee,
        ),
        Route(
            message=CallOut,
            name="sample.call",
            handler=SampleGateway(),
            queue_class=QueueClass.PAYMENTS,
            retry=QUICK,
            on_dead=died,
        ),
        Route(
            message=TendPlatform,
            name="sample.tend",
            handler=react,
            queue_class=QueueClass.CONTROL,
            scope=Scope.PLATFORM,
            on_dead=died,
        ),
        Route(
            message=DriveRun,
            name="deadletters.drive_run",
            handler=drive_run,
            queue_class=QueueClass.CONTROL,
            scope=Scope.PLATFORM,
            retry=QUICK,
            on_dead=drive_run_is_dead,
        ),
    ]
)
