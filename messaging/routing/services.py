"""Changing the choice. Every change is in the audit trail and in force everywhere within seconds, without a restart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models.functions import Now

from audit.services import Actor, record
from messaging.routing import choices
from messaging.routing.models import RoutingChoice
from messaging.routing.strategies.parameters import InvalidOption
from messaging.topology import QueueClass
from tenants.registry.models import Tenant, Tier
from wildrydes.kernel.errors import InvalidInput, NotFound

# What a tier's code or a short name can be; the database does not take every text.
_CODE = re.compile(r"\A[\w-]{1,40}\Z", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Whose choice: a tier's by its code, or a tenant's by its short name; for one queue class or (empty) for all others."""

    tier: str = ""
    tenant: str = ""
    queue_class: str = ""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be in force there. `strategy` empty: no choice of its own any more."""

    place: Place
    strategy: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


def find(place: Place) -> tuple[Tier | None, Tenant | None]:
    """The tier or the tenant.

    Raises:
        InvalidInput: both or none are named, or there is no such queue class.
        NotFound: there is no such tier or tenant.
    """
    if place.queue_class and place.queue_class not in list(QueueClass):
        raise InvalidInput.at("/queue_class", f"The queue class is one of {', '.join(QueueClass)}, or empty: all.")
    if bool(place.tier) == bool(place.tenant):
        raise InvalidInput.at("/tier", "Name a tier or a company, one of them.")
    if place.tier:
        tier = Tier.objects.filter(code=place.tier).first() if _CODE.match(place.tier) else None
        if tier is None:
            raise NotFound(f"There is no tier {place.tier[:40]!r}.")
        return tier, None
    tenant: Tenant | None = None
    if _CODE.match(place.tenant):
        tenant = Tenant.objects.filter(slug=place.tenant).select_related("tier").first()
    if tenant is None:
        raise NotFound(f"There is no company with the short name {place.tenant[:40]!r}.")
    return None, tenant


def check(wish: Wish) -> choices.Choice | None:
    """The choice as it would be in force; None: it is to be taken back.

    Raises:
        InvalidInput: there is no such strategy or parameter, or a value is out of bounds.
    """
    if not wish.strategy:
        return None
    try:
        return choices.choice_of(wish.strategy, wish.options)
    except InvalidOption as error:
        raise InvalidInput.at("/options", str(error)) from error


def choose(*, wish: Wish, actor: Actor, reason: str = "") -> None:
    """Put the choice in force.

    Raises:
        InvalidInput: as for `find` and `check`.
        NotFound: as for `find`.
    """
    tier, tenant = find(wish.place)
    choice = check(wish)
    with transaction.atomic():
        at = RoutingChoice.objects.select_for_update().filter(
            tier=tier, tenant=tenant, queue_class=wish.place.queue_class
        )
        before = at.first()
        if choice is None:
            at.delete()
        else:
            RoutingChoice.objects.update_or_create(
                tier=tier,
                tenant=tenant,
                queue_class=wish.place.queue_class,
                defaults={"strategy": choice.name, "options": dict(choice.options), "changed_at": Now()},
            )
        record(
            actor=actor,
            action="routing.chosen" if choice else "routing.taken_back",
            subject_type="tier" if tier else "tenant",
            subject_id=tier.code if tier else str(tenant.id if tenant else ""),
            tenant_id=tenant.id if tenant else None,
            reason=reason,
            details={
                "queue_class": wish.place.queue_class or "all",
                "before": _said(before.strategy, before.options) if before else "none",
                "after": _said(choice.name, choice.options) if choice else "none",
            },
        )
        choices.changed()


def _said(strategy: str, options: Mapping[str, object]) -> str:
    return " ".join([strategy, *(f"{name}={value:g}" for name, value in sorted(options.items()) if _is_number(value))])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
