"""The contract of a routing strategy: pure functions of who sends, the kind of work, the choice's parameters and what was seen.

Nothing here knows of Django, the broker or the clock, so that the simulator runs the very same code.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Protocol

from messaging.routing.strategies.parameters import Parameter

Options = Mapping[str, float]
# The pool of workers that every worker is in, whatever its tier: what it serves is served as long as anybody works.
EVERYBODY = "platform"
NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sender:
    """A tenant as routing sees it: `key` is stable and its own (its short name), `tier` a tier's code."""

    key: str
    tier: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known when a message is sent.

    `depths` is how many messages wait in each queue, as far as anybody looked. `moved` is whether the tenant is moved to its
    overflow queue at present, as `overflow.judge` said.
    """

    depths: Mapping[str, int] = field(default_factory=lambda: NOTHING, hash=False)
    moved: bool = False


UNSEEN = Seen()


class Strategy(Protocol):
    """Decides where a tenant's messages of one queue class go, and who serves them.

    `options` has a value for each of `parameters`, within its bounds (`parameters.complete`).
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    # Whether tenants of several tiers can meet in one queue.
    mixes_tiers: ClassVar[bool]

    def takes_turns(self, options: Options) -> bool:
        """Whether tenants that meet in a queue take turns there; if not, messages are served in the order in which they came."""

    def names_tenants(self, options: Options) -> bool:
        """Whether each tenant has a queue of its own as long as it is there, so that a pool has to know its tenants."""

    def queue_for(self, sender: Sender, queue_class: str, options: Options, seen: Seen = UNSEEN) -> str:
        """Where to send a message now: one of `queues_of_tenant`."""

    def queues_of_tenant(self, sender: Sender, queue_class: str, options: Options) -> tuple[str, ...]:
        """Every queue that may hold the tenant's messages, the usual one first. Whoever can be in one of them can be held up."""

    def queues_of_pool(
        self, pool: str, queue_class: str, options: Options, senders: Iterable[Sender]
    ) -> Mapping[str, float]:
        """What the workers of a pool (a tier, or `EVERYBODY`) consume because of this choice, with each queue's weight.

        `senders` are the tenants whom the choice is in force for, whatever their tier. A queue of weight 0.5 is served half as
        often as one of weight 1 while both have messages.
        """


def neighbours(
    strategy: Strategy, sender: Sender, queue_class: str, options: Options, others: Iterable[Sender]
) -> dict[str, int]:
    """With whom a tenant shares queues, and how many of them, the closest first. All with the same choice in force."""
    own = set(strategy.queues_of_tenant(sender, queue_class, options))
    shared = {
        other.key: len(own.intersection(strategy.queues_of_tenant(other, queue_class, options)))
        for other in others
        if other.key != sender.key
    }
    return dict(sorted(((key, count) for key, count in shared.items() if count), key=lambda pair: (-pair[1], pair[0])))
