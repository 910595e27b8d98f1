"""Which dead letters: a filter as people write it, and as the database reads it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from messaging.models import DeadLetter, DeadLetterState
from messaging.topology import QueueClass
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import InvalidInput

# A tenant's own messages, or the platform's, which belong to nobody.
PLATFORM = "platform"
# As many letters as may be named one by one; more are chosen by what they have in common.
MOST_IDS = 500
_AGE = re.compile(r"([0-9]{1,6})(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class LetterFilter:
    """What letters have in common. A field left empty does not matter.

    `tenant` is a tenant's short name or id, or `platform`; `tier` a tier's code; `older_than` an age such as `90s`, `30m`, `2h`,
    `3d` or `1w`, by the time of the first death; `ids` names letters one by one. `parse` checks what people wrote.
    """

    tenant: str = ""
    tier: str = ""
    topic: str = ""
    handler: str = ""
    queue_class: str = ""
    reason: str = ""
    state: str = ""
    fingerprint: str = ""
    older_than: str = ""
    ids: tuple[UUID, ...] = ()

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """The filter somebody asked for; names that are no field are ignored.

        Raises:
            InvalidInput: a value that cannot be meant; the sentence says what can be.
        """
        texts = {field.name: _text(field.name, given.get(field.name)) for field in fields(cls) if field.name != "ids"}
        _check_choice("state", texts["state"], DeadLetterState.values)
        _check_choice("queue_class", texts["queue_class"], [str(one) for one in QueueClass])
        age_from(texts["older_than"])
        ids = given.get("ids") or ()
        if isinstance(ids, str):
            ids = ids.split(",")
        if len(ids) > MOST_IDS:
            raise InvalidInput.at("/ids", f"Name at most {MOST_IDS} letters; choose more of them by what they share.")
        return cls(**texts, ids=tuple(_id(one) for one in ids))

    def as_text(self) -> dict[str, Any]:
        """The fields that matter, as JSON-ready text; `parse` reads them back."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: [str(i) for i in v] if name == "ids" else v for name, v in given.items() if v}

    def apply(self) -> QuerySet[DeadLetter]:
        """The letters, in no order.

        Raises:
            InvalidInput: there is no such tenant, or the filter was not made by `parse` and is not valid.
        """
        found = DeadLetter.objects.all()
        for name in ("topic", "handler", "queue_class", "reason", "state", "fingerprint"):
            if value := getattr(self, name):
                found = found.filter(**{name: value})
        if self.ids:
            found = found.filter(id__in=self.ids)
        if age := age_from(self.older_than):
            found = found.filter(died_at__lt=Now() - age)
        if self.tenant:
            found = found.filter(_of_tenant(self.tenant))
        if self.tier:
            found = found.filter(tenant_id__in=Tenant.objects.filter(tier=self.tier).values("id"))
        return found


def age_from(text: str) -> timedelta | None:
    """`2h` as two hours; None for no text.

    Raises:
        InvalidInput: it is no age.
    """
    if not text:
        return None
    match = _AGE.fullmatch(text)
    if match is None:
        raise InvalidInput.at("/older_than", "An age is a number and a unit: 90s, 30m, 2h, 3d, 1w.")
    try:
        age = timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        age = timedelta.max
    if age > timedelta(days=36_500):
        raise InvalidInput.at("/older_than", "Nothing is that old.")
    return age


def _text(name: str, value: Any) -> str:
    text = "" if value is None else str(value).strip()
    if len(text) > _LONGEST or not text.isprintable():
        raise InvalidInput.at(f"/{name}", f"The {name.replace('_', ' ')} is too long or not plain text.")
    return text


def _check_choice(name: str, value: str, choices: list[str]) -> None:
    if value and value not in choices:
        raise InvalidInput.at(f"/{name}", f"The {name.replace('_', ' ')} is one of {', '.join(choices)}.")


def _id(text: Any) -> UUID:
    try:
        return text if isinstance(text, UUID) else UUID(str(text).strip())
    except ValueError:
        raise InvalidInput.at("/ids", f"{str(text)[:50]!r} is not the id of a dead letter.") from None


def _of_tenant(text: str) -> Q:
    if text == PLATFORM:
        return Q(tenant_id=None)
    try:
        # A tenant that is gone has letters still.
        return Q(tenant_id=UUID(text))
    except ValueError:
        tenant = Tenant.objects.filter(slug=text.lower()).values_list("id", flat=True).first()
    if tenant is None:
        raise InvalidInput.at("/tenant", f"There is no company with the short name {text}.")
    return Q(tenant_id=tenant)
