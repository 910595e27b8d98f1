"""The vocabulary of `wildrydes/topology.py`: which handler gets which message, and how it is treated."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.utils.module_loading import import_string

from messaging.errors import NotDeclared
from messaging.messages import Command, Envelope, Obsolete, Payload
from messaging.models import DeadReason
from messaging.retry import RetryPolicy
from wildrydes.kernel.money import Money


class QueueClass(StrEnum):
    """Kinds of work that are kept apart, so that slow work of one kind does not hold up another."""

    BOOKINGS = "bookings"
    PAYMENTS = "payments"
    RFQ = "rfq"
    LOYALTY = "loyalty"
    NOTIFICATIONS = "notifications"
    CONTROL = "control"


class Scope(StrEnum):
    """Where a handler works. Work without a tenant is refused unless it is declared as the platform's."""

    TENANT = "tenant"
    PLATFORM = "platform"


@dataclass(frozen=True, kw_only=True)
class DeadCause:
    """Why a message is given up, for the handler that commits the business outcome."""

    reason: DeadReason
    error_class: str
    detail: str


class Verdict(StrEnum):
    """What handling a message would come to now."""

    ACT = "act"
    OBSOLETE = "obsolete"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """What would happen if a message were handled now: a dry run's answer.

    `summary` is one sentence for support staff, without personal data. `money` is what would move; which way, the summary says.
    """

    verdict: Verdict
    summary: str
    money: Money | None = None


class Intent(Protocol):
    """What `prepare` committed. `may_have_been_sent` is True when an earlier attempt may have reached the outside."""

    @property
    def may_have_been_sent(self) -> bool:
        """Whether to look the outcome up before calling."""


I = TypeVar("I", bound=Intent)  # noqa: E741  # reads as Intent
R = TypeVar("R")
M = TypeVar("M", bound=Payload)


class Gateway(Protocol[M, I, R]):
    """A handler that calls the outside, in three steps with a commit after the first and the last.

    `prepare` and `settle` run inside a transaction in the tenant's schema; `lookup` and `call` run outside of any, and must
    give up well within the lease. Errors: `Retry` (surely not done), `OutcomeUnknown`, `Reject`.
    """

    def prepare(self, message: Envelope[M]) -> I | None:
        """Commit what is about to be asked, with its idempotency key. None: there is nothing to do any more."""

    def lookup(self, intent: I) -> R | None:
        """Ask the outside what became of an earlier try. None: it never arrived, so calling is safe."""

    def call(self, intent: I) -> R:
        """Ask the outside, with the intent's idempotency key."""

    def settle(self, message: Envelope[M], intent: I, result: R) -> None:
        """Commit the outcome and publish what follows."""


_DEFAULT_RETRY = RetryPolicy()
Transactional = Callable[[Envelope[Any]], Obsolete | None]
OnDead = Callable[[Envelope[Any], DeadCause], None]
Foresee = Callable[[Envelope[Any]], Prospect]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One row of the topology: a message and one handler of it.

    `name` is written into deliveries and must outlive renamed functions. `handler` is a function (transactional shape: its
    effects and "done" are one commit; it may answer `Obsolete`) or a `Gateway`. `on_dead` commits the business outcome together
    with the dead letter; it is asked again when a redriven message dies again, so it looks at the state first.
    `time_to_live` is how long after it became due a message may still be tried. `time_limit` in seconds ends the heartbeat of
    a handler that hangs, so that another worker takes over. `foresee` says what handling a message would do now; it reads in the
    message's schema, in a transaction that refuses writes and row locks.
    """

    message: type[Payload]
    name: str
    handler: Transactional | Gateway[Any, Any, Any]
    queue_class: QueueClass
    retry: RetryPolicy = _DEFAULT_RETRY
    on_dead: OnDead | None = None
    time_to_live: timedelta | None = None
    time_limit: float = 300.0
    scope: Scope = Scope.TENANT
    ordering_key: str | None = None
    foresee: Foresee | None = None

    @property
    def shape(self) -> str:
        """`transactional` or `gateway`; there is no third."""
        return "transactional" if callable(self.handler) else "gateway"


@dataclass(frozen=True)
class Topology:
    """All rows, looked up both ways."""

    routes: tuple[Route, ...]
    _by_topic: Mapping[tuple[str, int], tuple[Route, ...]] = field(init=False, repr=False)
    _by_name: Mapping[str, Route] = field(init=False, repr=False)

    def __init__(self, routes: Iterable[Route]) -> None:
        """Index the rows. What is wrong with them is told by the start-up check, all at once."""
        rows = tuple(routes)
        by_topic: dict[tuple[str, int], tuple[Route, ...]] = {}
        for route in rows:
            key = (route.message.topic, route.message.version)
            by_topic[key] = (*by_topic.get(key, ()), route)
        object.__setattr__(self, "routes", rows)
        object.__setattr__(self, "_by_topic", by_topic)
        object.__setattr__(self, "_by_name", {route.name: route for route in rows})

    def routes_for(self, body: Payload) -> tuple[Route, ...]:
        """The handlers of a message.

        Raises:
            NotDeclared: a command without a handler; an event may have none.
        """
        routes = self._by_topic.get((body.topic, body.version), ())
        if not routes and isinstance(body, Command):
            raise NotDeclared(
                f"No handler is declared for the command {body.topic} v{body.version} in wildrydes/topology.py."
            )
        return routes

    def route(self, name: str) -> Route | None:
        """The row with this handler name, or None when this version of the code does not know it."""
        return self._by_name.get(name)


@lru_cache(maxsize=4)
def _load(path: str) -> Topology:
    topology: Topology = import_string(path)
    return topology


def get_topology() -> Topology:
    """The product's topology, found by the settings path so that this layer imports nothing above it."""
    return _load(settings.MESSAGING["TOPOLOGY"])
