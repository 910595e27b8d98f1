"""The routing strategies: small pure modules behind one contract; `messaging/README.md` says how they are chosen."""

from collections.abc import Mapping

from messaging.routing.strategies.cell import Cell
from messaging.routing.strategies.contract import Strategy
from messaging.routing.strategies.dedicated import Dedicated
from messaging.routing.strategies.fair import Fair
from messaging.routing.strategies.overflow import Overflow
from messaging.routing.strategies.shared import Shared
from messaging.routing.strategies.shuffle import Shuffle
from messaging.routing.strategies.tiered import Tiered

ALL: Mapping[str, Strategy] = {
    strategy.name: strategy for strategy in (Shared(), Dedicated(), Cell(), Shuffle(), Tiered(), Overflow(), Fair())
}
DEFAULT = Tiered.name
