"""Every strategy under the same load."""

from collections.abc import Callable, Iterable, Mapping

from messaging.lab.figures import Row, row_of
from messaging.lab.loads import Load
from messaging.lab.simulating import Result, Simulation
from messaging.routing.strategies import ALL
from messaging.routing.strategies.contract import Options
from messaging.routing.strategies.parameters import complete

# As the patterns are known: what each does by itself. In the product tenants take turns under all but `shared`.
_AS_KNOWN: Mapping[str, Mapping[str, object]] = {
    "cell": {"turns": 0},
    "shuffle": {"turns": 0},
    "overflow": {"turns": 0, "backlog": 50, "seconds": 1, "errors": 0.5, "calm": 10, "weight": 0.1},
}


def options_of(name: str, tier: str, *, turns: bool) -> Options:
    """What a strategy is compared with. `turns`: as in the product, tenants take turns in one queue."""
    given = {key: value for key, value in _AS_KNOWN.get(name, {}).items() if not (turns and key == "turns")}
    if name == "tiered" and tier == "enterprise":
        given = {"per_tenant": 1}
    return complete(ALL[name].parameters, given)


def compare(
    names: Iterable[str], load: Load, *, workers: int, turns: bool = False, tell: Callable[[Row, Result], None]
) -> list[Row]:
    """Run each, one after the other; `tell` hears of each when it is done."""
    rows = []
    for name in names:
        options = {tier: options_of(name, tier, turns=turns) for tier in set(load.tiers.values())}
        result = Simulation(ALL[name], options, load, workers).run()
        row = row_of(name, load, result)
        tell(row, result)
        rows.append(row)
    return rows
