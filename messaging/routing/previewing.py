"""What a choice would change, before it is in force: queues that appear and retire, who moves, who meets whom."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from messaging.routing.choices import Choice, Rules, reread
from messaging.routing.models import ServedQueue
from messaging.routing.services import Place, Wish, check, find
from messaging.routing.serving import wanted_now
from messaging.routing.strategies.contract import Sender
from messaging.topology import QueueClass
from tenants.registry.models import Tenant, Tier

# Beyond this a preview would take longer than anybody waits; it says so.
MOST_TENANTS = 20_000
_SHOWN = 12
K = TypeVar("K")


@dataclass(frozen=True, kw_only=True)
class Side:
    """Before or after, in the shown queue class.

    `queues` is how many queues those concerned can be in; `met` with how many others one of them shares a queue on average, and
    `met_most` at most; `twins` with how many one shares all of its queues on average; `neighbours` are some of a company's.
    """

    choice: Choice
    queues: int
    met: float
    met_most: int
    twins: float
    neighbours: tuple[str, ...]
    takes_turns: bool


@dataclass(frozen=True, kw_only=True)
class Preview:
    """`appearing` and `retiring` are queues of all classes, retiring ones with the messages that wait there."""

    place: Place
    shown_class: str
    before: Side
    after: Side
    concerned: int
    moving: int
    appearing: tuple[str, ...]
    retiring: tuple[tuple[str, int], ...]
    is_cut: bool


def preview(wish: Wish) -> Preview:
    """Say what would change. In `public`; changes nothing.

    Raises:
        InvalidInput, NotFound: as for `services.choose`.
    """
    tier, tenant = find(wish.place)
    choice = check(wish)
    before = reread()
    after = _with(before, wish.place, tier, tenant, choice)
    was, will = set(wanted_now(before, QueueClass)), set(wanted_now(after, QueueClass))
    shown = _shown_class(before, after, wish.place, tier, tenant)
    rows = list(Tenant.objects.order_by("slug").values_list("id", "slug", "tier_id")[: MOST_TENANTS + 1])
    everybody = {tenant_id: Sender(slug, code) for tenant_id, slug, code in rows[:MOST_TENANTS]}
    if tenant is not None:
        everybody[tenant.id] = Sender(tenant.slug, tenant.tier_id)
        concerned = [tenant.id]
    else:
        concerned = [key for key, sender in everybody.items() if tier is not None and sender.tier == tier.code]
    old, new = (_places(rules, everybody, shown) for rules in (before, after))
    depths = dict(ServedQueue.objects.filter(name__in=was - will).values_list("name", "depth"))
    return Preview(
        place=wish.place,
        shown_class=shown,
        before=_side(_in_force(before, tier, tenant, shown), old, everybody, concerned),
        after=_side(_in_force(after, tier, tenant, shown), new, everybody, concerned),
        concerned=len(concerned),
        moving=sum(old[key][0] != new[key][0] for key in concerned),
        appearing=tuple(sorted(will - was)),
        retiring=tuple((name, depths.get(name, 0)) for name in sorted(was - will)),
        is_cut=len(rows) > MOST_TENANTS,
    )


def _with(rules: Rules, place: Place, tier: Tier | None, tenant: Tenant | None, choice: Choice | None) -> Rules:
    """The rules as they would be."""
    tiers, tenants, members = dict(rules.tiers), dict(rules.tenants), dict(rules.members)
    if tier is not None:
        _put(tiers, (tier.code, place.queue_class), choice)
    if tenant is not None:
        _put(tenants, (tenant.id, place.queue_class), choice)
        members[tenant.id] = Sender(tenant.slug, tenant.tier_id)
    return replace(rules, tiers=tiers, tenants=tenants, members=members)


def _put(choices: dict[K, Choice], key: K, choice: Choice | None) -> None:
    if choice is None:
        choices.pop(key, None)
    else:
        choices[key] = choice


def _in_force(rules: Rules, tier: Tier | None, tenant: Tenant | None, queue_class: str) -> Choice:
    if tenant is not None:
        return rules.of(tenant.id, tenant.tier_id, queue_class)
    return rules.of_tier(tier.code if tier else "", queue_class)


def _shown_class(before: Rules, after: Rules, place: Place, tier: Tier | None, tenant: Tenant | None) -> str:
    """The place's class, or the first one in which something changes."""
    if place.queue_class:
        return place.queue_class
    for queue_class in QueueClass:
        if _in_force(before, tier, tenant, queue_class) != _in_force(after, tier, tenant, queue_class):
            return str(queue_class)
    return str(QueueClass.BOOKINGS)


def _places(rules: Rules, everybody: Mapping[UUID, Sender], queue_class: str) -> dict[UUID, tuple[str, ...]]:
    """The queues that each may be in."""
    found = {}
    for tenant_id, sender in everybody.items():
        choice = rules.of(tenant_id, sender.tier, queue_class)
        found[tenant_id] = choice.strategy.queues_of_tenant(sender, queue_class, choice.options)
    return found


def _side(
    choice: Choice,
    places: Mapping[UUID, tuple[str, ...]],
    everybody: Mapping[UUID, Sender],
    concerned: Iterable[UUID],
) -> Side:
    in_queue = Counter(queue for queues in places.values() for queue in queues)
    alike = Counter(frozenset(queues) for queues in places.values())
    ids = list(concerned)
    met = [sum(in_queue[queue] - 1 for queue in places[key]) for key in ids]
    own = set(places[ids[0]]) if len(ids) == 1 else set()
    near = (
        (everybody[key].key for key, queues in places.items() if key != ids[0] and own.intersection(queues))
        if own
        else ()
    )
    return Side(
        choice=choice,
        queues=len({queue for key in ids for queue in places[key]}),
        met=sum(met) / len(met) if met else 0.0,
        met_most=max(met, default=0),
        twins=sum(alike[frozenset(places[key])] - 1 for key in ids) / len(ids) if ids else 0.0,
        neighbours=tuple(name for name, _ in zip(near, range(_SHOWN), strict=False)),
        takes_turns=choice.strategy.takes_turns(choice.options),
    )
