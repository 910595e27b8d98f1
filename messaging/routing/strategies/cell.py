"""`cell`: a tier's tenants are spread over N queues by rendezvous hashing. A flood is felt in one cell."""

from collections.abc import Iterable, Mapping

from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, UNSEEN, Options, Seen, Sender, Strategy
from messaging.routing.strategies.hashing import ranked
from messaging.routing.strategies.parameters import TURNS, Parameter

KIND = "cell"


class Cell(Strategy):
    """N queues per class and tier; a tenant is in the same cell for every class. One cell more moves 1/(N + 1) of the tenants."""

    name = "cell"
    summary = "Cell: the tier's tenants spread over N queues"
    parameters = (Parameter(name="cells", default=8, least=1, most=256, help="How many cells the tier has."), TURNS)
    mixes_tiers = False

    def takes_turns(self, options: Options) -> bool:
        """As it was chosen."""
        return bool(options["turns"])

    def names_tenants(self, options: Options) -> bool:
        """No."""
        return False

    def queue_for(self, sender: Sender, queue_class: str, options: Options, seen: Seen = UNSEEN) -> str:
        """The tenant's cell."""
        (cell,) = ranked(sender.key, int(options["cells"]))
        return names.numbered(queue_class, sender.tier, KIND, cell)

    def queues_of_tenant(self, sender: Sender, queue_class: str, options: Options) -> tuple[str, ...]:
        """That one."""
        return (self.queue_for(sender, queue_class, options),)

    def queues_of_pool(
        self, pool: str, queue_class: str, options: Options, senders: Iterable[Sender]
    ) -> Mapping[str, float]:
        """All cells of the tier."""
        if pool == EVERYBODY:
            return {}
        return {names.numbered(queue_class, pool, KIND, cell): 1.0 for cell in range(int(options["cells"]))}
