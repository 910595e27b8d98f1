"""Which choice is in force for whom: read from the database as a whole, remembered for two seconds.

A process asks for one number, and for the rows only when that has changed. So a change is in force everywhere within
`REREAD_SECONDS`, without anybody being told.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import F

from messaging.routing.models import EpisodeStage, OverflowEpisode, RoutingChoice, RoutingState, ServedQueue
from messaging.routing.strategies import ALL, DEFAULT
from messaging.routing.strategies.contract import Options, Seen, Sender, Strategy
from messaging.routing.strategies.parameters import InvalidOption, complete
from messaging.routing.strategies.shuffle import KIND as SHARD
from tenants.registry.context import enter_public

_log = structlog.get_logger(__name__)
REREAD_SECONDS = 2.0
TierKey = tuple[str, str]
TenantKey = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy with a value for each of its parameters."""

    name: str
    options: Options = field(default_factory=dict, hash=False)

    @property
    def strategy(self) -> Strategy:
        """The module."""
        return ALL[self.name]


def choice_of(name: str, given: Mapping[str, object]) -> Choice:
    """The choice with its parameters completed.

    Raises:
        InvalidOption: there is no such strategy or parameter, or a value is out of bounds.
    """
    if name not in ALL:
        raise InvalidOption(f"There is no strategy {name[:40]!r}; there are {', '.join(sorted(ALL))}.")
    return Choice(name, MappingProxyType(complete(ALL[name].parameters, given)))


USUAL = choice_of(DEFAULT, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that is in force at one moment. `members` are the tenants that are named in it."""

    generation: int = -1
    tiers: Mapping[TierKey, Choice] = field(default_factory=dict)
    tenants: Mapping[TenantKey, Choice] = field(default_factory=dict)
    episodes: Mapping[TenantKey, EpisodeStage] = field(default_factory=dict)
    members: Mapping[UUID, Sender] = field(default_factory=dict)

    def of(self, tenant_id: UUID, tier: str, queue_class: str) -> Choice:
        """A tenant's: its own for the class, its own for all, its tier's for the class, its tier's for all, the usual one."""
        if self.tenants:
            own = self.tenants.get((tenant_id, queue_class)) or self.tenants.get((tenant_id, ""))
            if own is not None:
                return own
        return self.of_tier(tier, queue_class)

    def of_tier(self, tier: str, queue_class: str) -> Choice:
        """A tier's, for its tenants without one of their own."""
        return self.tiers.get((tier, queue_class)) or self.tiers.get((tier, "")) or USUAL

    def has_moved(self, tenant_id: UUID, queue_class: str) -> bool:
        """Whether the tenant's new messages of the class go to its overflow queue."""
        return self.episodes.get((tenant_id, queue_class)) == EpisodeStage.MOVED

    @property
    def in_force(self) -> frozenset[str]:
        """The names of the strategies that anybody uses, the usual one aside."""
        return frozenset(choice.name for choice in (*self.tiers.values(), *self.tenants.values()))


class _Memory:
    """What this process knows, and how many messages it has sent since to queues whose depth matters.

    No lock: threads that re-read at once read the same, and a child must not inherit one that is held.
    """

    def __init__(self) -> None:
        self.rules = Rules()
        self.until = 0.0
        self.depths: Counter[str] = Counter()


_memory = _Memory()


def rules() -> Rules:
    """What is in force, as of `REREAD_SECONDS` ago at most.

    Raises:
        django.db.Error: the database is away, and it is time to ask.
    """
    if time.monotonic() < _memory.until:
        return _memory.rules
    return reread()


def remembered() -> Rules:
    """What this process knows already; asks nobody."""
    return _memory.rules


def reread() -> Rules:
    """Ask the database now.

    Raises:
        django.db.Error: it is away.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT generation FROM public.messaging_routingstate")
        found = cursor.fetchone()
    generation = found[0] if found else 0
    if generation != _memory.rules.generation:
        with enter_public():
            _memory.rules = _read(generation)
    if "shuffle" in _memory.rules.in_force:
        _memory.depths = Counter(_shard_depths())
    _memory.until = time.monotonic() + REREAD_SECONDS
    return _memory.rules


def forget() -> None:
    """Let the next question be asked anew, after a change of one's own."""
    _memory.until = 0.0
    _memory.rules = Rules()


def seen_by(tenant_id: UUID, queue_class: str) -> Seen:
    """What routing a tenant's message takes into account."""
    return Seen(_memory.depths, _memory.rules.has_moved(tenant_id, queue_class))


def sent_to(queue: str) -> None:
    """One more waits there, until the steward has looked again."""
    _memory.depths[queue] += 1


def changed() -> None:
    """Let every process notice that rows have changed; in the transaction of the change."""
    if not RoutingState.objects.filter(id=1).update(generation=F("generation") + 1):
        RoutingState.objects.create(id=1, generation=1)
    transaction.on_commit(forget)


def _shard_depths() -> dict[str, int]:
    with enter_public():
        return dict(ServedQueue.objects.filter(name__contains=f".{SHARD}-").values_list("name", "depth"))


def _read(generation: int) -> Rules:
    tiers: dict[TierKey, Choice] = {}
    tenants: dict[TenantKey, Choice] = {}
    members: dict[UUID, Sender] = {}
    for row in RoutingChoice.objects.select_related("tenant"):
        try:
            choice = choice_of(row.strategy, row.options)
        except InvalidOption as error:
            # A newer version's, or an older one's: the next rule holds, as if there were no such row.
            _log.warning("routing.choice_unusable", choice=str(row.id), error=str(error))
            continue
        if row.tenant is None:
            tiers[str(row.tier_id), row.queue_class] = choice
        else:
            tenants[row.tenant.id, row.queue_class] = choice
            members[row.tenant.id] = Sender(row.tenant.slug, row.tenant.tier_id)
    episodes: dict[TenantKey, EpisodeStage] = {}
    for episode in OverflowEpisode.objects.exclude(stage=EpisodeStage.OVER).select_related("tenant"):
        episodes[episode.tenant.id, episode.queue_class] = EpisodeStage(episode.stage)
        members[episode.tenant.id] = Sender(episode.tenant.slug, episode.tenant.tier_id)
    return Rules(generation=generation, tiers=tiers, tenants=tenants, episodes=episodes, members=members)
