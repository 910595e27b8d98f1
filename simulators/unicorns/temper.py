"""How the unicorns behave when they are asked for offers: dials, and the dice that follow them."""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from simulators.checking import Rejected, integer, number, only

_KINDS = ("silent", "decline", "late", "garbage", "forged", "twice")


@dataclass(frozen=True, kw_only=True, slots=True)
class Temper:
    """One setting of the dials.

    Attributes:
        answer_min_ms: a unicorn thinks at least so long, in milliseconds.
        answer_max_ms: and at most so long.
        silent_rate: share of requests (0 to 1) that get no answer.
        decline_rate: share that is declined.
        late_rate: share that is answered after its deadline.
        garbage_rate: share that is answered with what is no answer.
        forged_rate: share that is answered at an invented address.
        twice_rate: share whose offer is sent twice.
        price_per_km: in minor units; each unicorn asks for up to half of it more or less.
        seed: of the dice, so that a run can be repeated; None takes chance.
    """

    answer_min_ms: int = 200
    answer_max_ms: int = 2_000
    silent_rate: float = 0.1
    decline_rate: float = 0.15
    late_rate: float = 0.03
    garbage_rate: float = 0.02
    forged_rate: float = 0.02
    twice_rate: float = 0.05
    price_per_km: int = 150
    seed: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mood:
    """What a unicorn does about one request: one of `silent`, `decline`, `late`, `garbage`, `forged`, `twice`, `offer`."""

    kind: str
    after_seconds: float
    factor: float


class Moods:
    """The dice, by the dials."""

    def __init__(self) -> None:
        self.temper = Temper()
        self._dice = random.Random()

    def set(self, given: Mapping[str, Any]) -> Temper:
        """Replace the setting; what is not given goes back to its default.

        Raises:
            Rejected: 422, an unknown dial or an impossible value.
        """
        self.temper = _read(given)
        self._dice = random.Random(self.temper.seed)
        return self.temper

    def throw(self) -> Mood:
        """What the next one does."""
        temper, kind = self.temper, "offer"
        thrown = self._dice.random()
        for each in _KINDS:
            thrown -= getattr(temper, f"{each}_rate")
            if thrown < 0:
                kind = each
                break
        wait = self._dice.uniform(temper.answer_min_ms, max(temper.answer_min_ms, temper.answer_max_ms)) / 1000
        return Mood(kind=kind, after_seconds=wait, factor=self._dice.uniform(0.5, 1.5))

    def shown(self) -> dict[str, Any]:
        """The setting as JSON."""
        return asdict(self.temper)


def _read(given: Mapping[str, Any]) -> Temper:
    only(given, {field.name for field in fields(Temper)})
    read: dict[str, Any] = {}
    for name in given:
        if name.endswith("_ms"):
            read[name] = integer(given, name, least=0, most=600_000)
        elif name.endswith("_rate"):
            read[name] = number(given, name, least=0, most=1)
        elif name == "price_per_km":
            read[name] = integer(given, name, least=1, most=1_000_000)
        else:
            read[name] = None if given[name] is None else integer(given, name, least=0, most=2**53)
    temper = Temper(**read)
    if sum(getattr(temper, f"{kind}_rate") for kind in _KINDS) > 1 + 1e-9:
        raise Rejected(422, "invalid_field", "The rates add up to more than 1", param="decline_rate")
    return temper
