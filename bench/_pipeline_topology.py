"""The product's topology and the empty handler."""

import os
import time
from typing import ClassVar

from messaging.messages import Command, Envelope
from messaging.topology import DeadCause, QueueClass, Route, Topology
from wildrydes.topology import ROUTES


class DoNothing(Command, frozen=True, kw_only=True):
    """The number tells one from another."""

    topic: ClassVar[str] = "bench.do_nothing"
    number: int


_done: dict[int, int] = {}


def do_nothing(message: Envelope[DoNothing]) -> None:
    """Nothing, but for a line that tells when: a microsecond or two, the same on both sides."""
    process = os.getpid()
    if process not in _done:
        _done[process] = os.open(os.environ["BENCH_DONE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(_done[process], b"%d %d\n" % (message.body.number, time.time_ns()))


def _nothing_was_done(message: Envelope[DoNothing], cause: DeadCause) -> None:
    """The check at the start asks for an outcome."""


TOPOLOGY = Topology(
    [
        *ROUTES,
        Route(
            message=DoNothing,
            name="bench.do_nothing",
            handler=do_nothing,
            queue_class=QueueClass.BOOKINGS,
            on_dead=_nothing_was_done,
        ),
    ]
)
