"""Ages and numbers as people say them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django import template
from django.utils.timezone import now

from wildrydes.kernel.money import CURRENCIES, Money

register = template.Library()

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in one or two units: `4 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return _two(whole // HOUR, "h", whole % HOUR // MINUTE, "min")
    return _two(whole // DAY, "d", whole % DAY // HOUR, "h")


def _two(more: int, unit: str, less: int, smaller: str) -> str:
    return f"{more:,} {unit} {less} {smaller}" if less and more < 10 else f"{more:,} {unit}"


@register.filter
def age(moment: datetime | None) -> str:
    """How long ago that was."""
    return "-" if moment is None else duration((now() - moment).total_seconds())


@register.filter
def counted(number: int | None) -> str:
    """With a separator of thousands."""
    return "-" if number is None else f"{number:,}"


@register.filter
def at(items: Sequence[Any], place: int) -> Any:
    """The item at a place, beside which another list is walked; None past the end."""
    return items[place] if place < len(items) else None


@register.filter
def of(names: Mapping[Any, str], key: Any) -> str:
    """The name that a mapping has for a key."""
    return names.get(key, "")


@register.filter
def short_name(error_class: str) -> str:
    """An error's class without its module."""
    return error_class.rpartition(".")[2]


@register.filter
def is_uuid(text: str) -> bool:
    """Whether this can be an id in an address."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


@register.filter
def last(value: object, count: int) -> str:
    """The end of an id, which is what tells it from its neighbours."""
    return str(value)[-count:]


@register.filter
def money(minor: int, currency: str) -> str:
    """An amount in minor units with its currency; nothing where the currency is none of ours."""
    return str(Money(minor, currency)) if currency in CURRENCIES else ""


@register.filter
def fact(value: object) -> str:
    """A detail of an audit entry: ids by their ends, yes and no in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "-" if value is None else str(value)
    return f"…{text[-8:]}" if is_uuid(text) else text
