"""What tenants send in a comparison: made loads, each the same for the same seed, and recorded traces of one's own traffic."""

import csv
import json
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

QUIET_SHARE = 0.6
_MEAN_SECONDS = 0.1
_LONGEST_TRACE = 2_000_000


class UnusableTrace(ValueError):
    """A recorded trace that cannot be read; says which line."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message: when it is due to be sent (seconds from the start), whose it is, how long it takes, how often it fails first."""

    at: float
    tenant: str
    seconds: float
    failures: int = 0


@dataclass(frozen=True, kw_only=True)
class Load:
    """Messages in the order of time, each tenant's tier, and who is noisy."""

    name: str
    arrivals: tuple[Arrival, ...]
    tiers: Mapping[str, str]
    noisy: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many tenants, workers (messages at once) and seconds; `seed` makes it another one."""

    tenants: int = 100
    workers: int = 10
    seconds: float = 60.0
    seed: int = 1


def _tier(number: int) -> str:
    return "enterprise" if number % 20 == 19 else "premium" if number % 20 >= 16 else "basic"


class _Making:
    """Tenants `t0` … in three tiers, and their messages."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.dice = random.Random(size.seed)  # noqa: S311  # a load, not a secret
        self.tiers = {f"t{number}": _tier(number) for number in range(size.tenants)}
        self.arrivals: list[Arrival] = []
        # Messages a second that keep all workers busy.
        self.capacity = size.workers / _MEAN_SECONDS

    def seconds(self, mean: float = _MEAN_SECONDS) -> float:
        """How long a message takes: most a little less, few much longer."""
        return min(20 * mean, self.dice.lognormvariate(math.log(mean) - 0.18, 0.6))

    def steadily(
        self, tenants: list[str], rate: float, *, begin: float = 0.0, end: float | None = None, mean: float = _MEAN_SECONDS,
        failures: int = 0,
    ) -> None:  # fmt: skip
        """So many messages a second of these tenants together, at random moments."""
        at, end = begin, self.size.seconds if end is None else end
        while rate > 0 and (at := at + self.dice.expovariate(rate)) < end:
            self.arrivals.append(Arrival(at, self.dice.choice(tenants), self.seconds(mean), failures))

    def load(self, name: str, noisy: Iterable[str]) -> Load:
        """What was made, in the order of time."""
        ordered = tuple(sorted(self.arrivals, key=lambda each: each.at))
        return Load(name=name, arrivals=ordered, tiers=self.tiers, noisy=frozenset(noisy))


def _quiet(making: _Making, noisy: set[str], share: float = QUIET_SHARE) -> None:
    making.steadily([each for each in making.tiers if each not in noisy], share * making.capacity)


def aws(size: Size) -> Load:
    """One tenant's flood: for a sixth of the time it sends three times what all workers can do."""
    making = _Making(size)
    _quiet(making, {"t0"})
    begin = size.seconds / 6
    making.steadily(["t0"], 3 * making.capacity, begin=begin, end=2 * begin)
    return making.load("aws", ["t0"])


def slow(size: Size) -> Load:
    """One tenant's messages take twenty times as long as others': few in number, most of the work."""
    making = _Making(size)
    _quiet(making, {"t0"})
    making.steadily(["t0"], 0.6 * making.capacity / 20, begin=size.seconds / 6, mean=20 * _MEAN_SECONDS)
    return making.load("slow", ["t0"])


def burst(size: Size) -> Load:
    """A tenth of the tenants send ten seconds of all workers' work at once, every twenty seconds, as at the full hour."""
    making = _Making(size)
    senders = [f"t{number}" for number in range(0, size.tenants, 10)]
    _quiet(making, set(senders), 0.4)
    moment = 5.0
    while moment < size.seconds:
        for tenant in senders:
            for _ in range(max(1, round(10 * making.capacity / len(senders)))):
                making.arrivals.append(Arrival(moment, tenant, making.seconds()))
        moment += 20.0
    return making.load("burst", senders)


def broken(size: Size) -> Load:
    """One tenant's provider is broken: its messages take ten times as long, fail, and are tried four times more."""
    making = _Making(size)
    _quiet(making, {"t0"})
    making.steadily(["t0"], 0.02 * making.capacity, begin=size.seconds / 6, mean=10 * _MEAN_SECONDS, failures=4)
    return making.load("broken", ["t0"])


def many(size: Size) -> Load:
    """Very many tenants, of very different sizes (Zipf), and one in a thousand floods for a while."""
    making = _Making(size)
    names = list(making.tiers)
    noisy = names[:: max(1, min(1_000, size.tenants))][:100]
    weights = [1 / (1 + number % 1_000) for number in range(len(names))]
    count = round(QUIET_SHARE * making.capacity * size.seconds)
    for tenant in making.dice.choices(names, weights, k=count):
        making.arrivals.append(Arrival(making.dice.uniform(0, size.seconds), tenant, making.seconds()))
    begin = size.seconds / 6
    making.steadily(noisy, 2 * making.capacity, begin=begin, end=2 * begin)
    return making.load("many", noisy)


MADE: Mapping[str, Callable[[Size], Load]] = {
    "aws": aws, "slow": slow, "burst": burst, "broken": broken, "many": many,
}  # fmt: skip


def load_of(name: str, size: Size) -> Load:
    """A made load by its name, or the trace in a file.

    Raises:
        UnusableTrace: there is no such load or file, or it cannot be read.
    """
    return MADE[name](size) if name in MADE else recorded(Path(name))


def recorded(path: Path) -> Load:
    """A trace: CSV with a header, or a JSON object per line: `at` (seconds), `tenant`, `seconds`, perhaps `tier` and `failures`.

    Who sent more than a tenth of the work is called noisy.

    Raises:
        UnusableTrace: the file is not there, or a line is not as it should be.
    """
    arrivals: list[Arrival] = []
    tiers: dict[str, str] = {}
    work: dict[str, float] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(_rows(file, is_json=path.suffix in (".jsonl", ".json")), start=1):
                if number > _LONGEST_TRACE:
                    raise UnusableTrace(f"{path}: more than {_LONGEST_TRACE} messages; cut it.")
                arrival = _arrival(row, f"{path}, message {number}")
                arrivals.append(arrival)
                tiers.setdefault(arrival.tenant, str(row.get("tier") or "basic")[:20])
                work[arrival.tenant] = work.get(arrival.tenant, 0.0) + arrival.seconds
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableTrace(f"{path} is no load ({', '.join(MADE)}) and no file that can be read: {error}") from error
    if not arrivals:
        raise UnusableTrace(f"{path} has no messages.")
    first, total = min(each.at for each in arrivals), sum(work.values())
    moved = (Arrival(each.at - first, each.tenant, each.seconds, each.failures) for each in arrivals)
    noisy = frozenset(tenant for tenant, seconds in work.items() if seconds > total / 10 and len(work) > 1)
    return Load(name=path.stem, arrivals=tuple(sorted(moved, key=lambda each: each.at)), tiers=tiers, noisy=noisy)


def _rows(file: Iterable[str], *, is_json: bool) -> Iterator[Mapping[str, object]]:
    if not is_json:
        yield from csv.DictReader(file)
        return
    for line in file:
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UnusableTrace(f"Not JSON: {line[:60]!r}") from error
            if not isinstance(row, dict):
                raise UnusableTrace(f"Not an object: {line[:60]!r}")
            yield row


def _arrival(row: Mapping[str, object], where: str) -> Arrival:
    try:
        at, seconds = float(str(row["at"])), float(str(row["seconds"]))
        failures = int(str(row.get("failures") or 0))
        tenant = str(row["tenant"])
    except (KeyError, ValueError) as error:
        raise UnusableTrace(f"{where}: `at`, `tenant` and `seconds` are needed, numbers as numbers.") from error
    if not (math.isfinite(at) and 0 <= seconds <= 86_400 and 0 <= failures <= 100 and tenant):
        raise UnusableTrace(f"{where}: out of bounds.")
    return Arrival(at, tenant[:200], seconds, failures)
