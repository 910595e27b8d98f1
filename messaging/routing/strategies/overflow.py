"""`overflow`: a tenant whose backlog, processing time or errors pass a limit is moved to a queue of its own, beside the tier's.

`judging` says when; the queue is served by weight, and gone only when it is empty.
"""

from collections.abc import Iterable, Mapping

from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, UNSEEN, Options, Seen, Sender, Strategy
from messaging.routing.strategies.parameters import TURNS, Parameter

KIND = "over"


class Overflow(Strategy):
    """The tier's queue, and one for each tenant that is moved."""

    name = "overflow"
    summary = "Overflow: the tier's queue; a tenant that passes a limit is moved to one of its own"
    parameters = (
        Parameter(name="backlog", default=200, least=1, most=1e6, help="Moved when more of its messages wait."),
        Parameter(
            name="seconds",
            default=5,
            least=0.01,
            most=3600,
            help="Moved when one takes longer, on average.",
            whole=False,
        ),
        Parameter(name="errors", default=0.5, least=0.01, most=1, help="Moved when more fail (0 to 1).", whole=False),
        Parameter(name="samples", default=20, least=1, most=10_000, help="Over so many messages at least."),
        Parameter(
            name="calm", default=30, least=0, most=86_400, help="Seconds under half of all limits until it returns."
        ),
        Parameter(
            name="weight",
            default=0.25,
            least=0.01,
            most=1,
            help="How often its queue is served, beside 1 for the tier's.",
            whole=False,
        ),
        TURNS,
    )
    mixes_tiers = False

    def takes_turns(self, options: Options) -> bool:
        """As it was chosen."""
        return bool(options["turns"])

    def names_tenants(self, options: Options) -> bool:
        """No: those queues come and go."""
        return False

    def queue_for(self, sender: Sender, queue_class: str, options: Options, seen: Seen = UNSEEN) -> str:
        """The tier's; while it is moved, its own."""
        return self.queues_of_tenant(sender, queue_class, options)[1 if seen.moved else 0]

    def queues_of_tenant(self, sender: Sender, queue_class: str, options: Options) -> tuple[str, ...]:
        """The tier's and its own."""
        own = names.of_tenant(queue_class, sender.tier, KIND, sender.key)
        return (names.shared(queue_class, sender.tier), own)

    def queues_of_pool(
        self, pool: str, queue_class: str, options: Options, senders: Iterable[Sender]
    ) -> Mapping[str, float]:
        """The tier's, and those of all whom it is in force for: an overflow queue that is empty is not asked for.

        Who asks for those that there are now gives the moved tenants as `senders`.
        """
        if pool == EVERYBODY:
            return {}
        moved = (names.of_tenant(queue_class, pool, KIND, sender.key) for sender in senders if sender.tier == pool)
        return {names.shared(queue_class, pool): 1.0, **dict.fromkeys(moved, options["weight"])}
