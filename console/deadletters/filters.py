"""The filters above the dead letters: what the address asks for, and what there is to choose from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.http import HttpRequest

from console.fields import Field, choices_of
from messaging.deadletters.filters import LetterFilter
from messaging.models import DeadLetterState
from messaging.topology import QueueClass
from tenants.registry.models import Tier
from wildrydes.kernel.errors import InvalidInput

# Open letters are what the page is for; this asks for those that are dealt with, too.
ANY_STATE = "any"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for. `error` says what is wrong with it, and `filters` is None then."""

    filters: LetterFilter | None
    error: str
    fields: tuple[Field, ...]


def asked_for(request: HttpRequest) -> Asked:
    """Read the address. Without a state, open letters are meant."""
    given = {name: str(value) for name, value in request.GET.items() if name not in ("ids", "page")}
    state = given.get("state", DeadLetterState.OPEN.value)
    given["state"] = "" if state == ANY_STATE else state
    try:
        filters, error = LetterFilter.parse(given), ""
        filters.apply()  # a company that does not exist is found out here
    except InvalidInput as refused:
        filters, error = None, refused.detail
    return Asked(filters=filters, error=error, fields=_fields(given | {"state": state}))


def _fields(given: Mapping[str, str]) -> tuple[Field, ...]:
    tiers = Tier.objects.order_by("requests_per_minute").values_list("code", "name")
    fields = (
        Field(name="tenant", title="Company", value="", placeholder="short name, or platform"),
        Field(name="tier", title="Tier", value="", choices=choices_of(tiers, everything="Every tier")),
        Field(
            name="queue_class",
            title="Queue class",
            value="",
            choices=choices_of(((str(one), str(one).capitalize()) for one in QueueClass), everything="Every class"),
        ),
        Field(name="topic", title="Topic", value="", placeholder="payments.capture"),
        Field(name="handler", title="Handler", value="", placeholder="payments.capture"),
        Field(name="older_than", title="Older than", value="", placeholder="30m, 2h, 3d"),
        Field(name="state", title="State", value="", choices=((ANY_STATE, "Any"), *DeadLetterState.choices)),
        Field(name="fingerprint", title="Cause", value="", placeholder="fingerprint"),
    )
    return tuple(replace(field, value=given.get(field.name, "")[:200]) for field in fields)
