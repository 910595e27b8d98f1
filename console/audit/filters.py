"""The filters above the audit trail: who, what, whose, and when."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from audit.models import ActorKind, Entry
from console.fields import Field, choices_of
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import InvalidInput

_LONGEST = 200
_FIELDS = (
    Field(name="who", title="Who", value="", placeholder="e-mail or part of it"),
    Field(name="kind", title="Kind", value="", choices=choices_of(ActorKind.choices, everything="Everybody")),
    Field(name="action", title="Action", value="", placeholder="deadletter.redrive"),
    Field(name="tenant", title="Company", value="", placeholder="short name"),
    Field(name="subject", title="Subject", value="", placeholder="its id"),
    Field(name="since", title="From", value="", kind="date"),
    Field(name="until", title="Until and with", value="", kind="date"),
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for; `error` says what is wrong with it."""

    where: Q
    error: str
    fields: tuple[Field, ...]

    def apply(self) -> QuerySet[Entry]:
        """The entries, in no order."""
        return Entry.objects.filter(self.where)


def asked_for(request: HttpRequest) -> Asked:
    """Read the address."""
    given = {field.name: request.GET.get(field.name, "").strip()[: _LONGEST + 1] for field in _FIELDS}
    fields = tuple(replace(field, value=given[field.name]) for field in _FIELDS)
    try:
        return Asked(where=_condition(given), error="", fields=fields)
    except InvalidInput as refused:
        return Asked(where=Q(), error=refused.detail, fields=fields)


def _condition(given: dict[str, str]) -> Q:
    for value in given.values():
        if len(value) > _LONGEST or not value.isprintable():
            raise InvalidInput("A filter is at most 200 characters of plain text.")
    where = Q()
    if given["who"]:
        where &= Q(actor_name__icontains=given["who"])
    if given["kind"]:
        where &= Q(actor_kind=given["kind"])
    if given["action"]:
        where &= Q(action__startswith=given["action"])
    if given["subject"]:
        where &= Q(subject_id=given["subject"])
    if given["tenant"]:
        where &= Q(tenant_id=_tenant(given["tenant"]))
    if since := _day(given["since"]):
        where &= Q(happened_at__gte=since)
    if until := _day(given["until"]):
        where &= Q(happened_at__lt=until + timedelta(days=1))
    return where


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("A day is written as 2026-11-30.") from None
    if not 1970 <= day.year <= 9000:
        raise InvalidInput("A day is between 1970 and 9000.")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _tenant(text: str) -> UUID:
    tenant = Tenant.objects.filter(slug=text.lower()).first()
    if tenant is not None:
        return UUID(str(tenant.id))
    try:
        return UUID(text)  # one that is gone
    except ValueError:
        raise InvalidInput(f"There is no company with the short name {text}.") from None
