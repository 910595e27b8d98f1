"""What the pages about money show: companies with their open differences, one company, one difference."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.urls import reverse

from console.money.entering import companies
from payments.reconciliation import selectors
from payments.reconciliation.models import Item, ItemState, Run, Statement
from tenants.registry.context import enter_tenant
from wildrydes.kernel.money import CURRENCIES, Money

_SOME = 20
_STATEMENTS = 40


@dataclass(frozen=True, kw_only=True)
class CompanyLine:
    """One company on the front page: `waiting` differences, and its last statement with the word for how it ended."""

    slug: str
    name: str
    waiting: int
    last: Statement | None
    tone: str


def company_lines() -> list[CompanyLine]:
    """All companies, those with something to do first. One whose schema is being migrated is passed over."""
    lines = []
    for tenant in companies():
        try:
            with enter_tenant(tenant):
                waiting = selectors.items().count()
                last = selectors.statements().first()
        except DatabaseError:
            continue
        is_fine = last is None or (last.unexplained_minor == 0 and not waiting)
        tone = "good" if is_fine else "bad" if last and last.unexplained_minor else "warn"
        lines.append(CompanyLine(slug=tenant.slug, name=tenant.name, waiting=waiting, last=last, tone=tone))
    return sorted(lines, key=lambda line: (-line.waiting, line.name))


@dataclass(frozen=True, kw_only=True)
class StatementLine:
    """A statement with its amounts as people read them."""

    row: Statement
    opening: str
    captured: str
    credit_captured: str
    refunded: str
    adjusted: str
    closing: str
    credit_given: str
    credit_closing: str
    provider_closing: str
    in_transit: str
    open: str
    unexplained: str


def company_page(*, everything: bool) -> dict[str, Any]:
    """The present company's differences, runs and statements."""
    found: Iterable[Item] = selectors.items(everything=everything)[:200]
    runs: list[Run] = list(selectors.runs()[:_SOME])
    return {
        "items": [(item, amount(item.difference_minor, item.currency)) for item in found],
        "runs": runs,
        "statements": [_line(row) for row in selectors.statements()[:_STATEMENTS]],
    }


def item_page(item: Item) -> dict[str, Any]:
    """Both sides of a difference, row by row, and what can be done."""
    return {
        "item": item,
        "difference": amount(item.difference_minor, item.currency),
        "sides": _sides(item.ours, item.theirs),
        "is_open": item.state == ItemState.OPEN,
        "story_url": f"{reverse('admin:story')}?id={item.booking_id}" if item.booking_id else "",
    }


def amount(minor: int, currency: str) -> str:
    """As people read it; a currency that we do not bill in keeps its minor units."""
    return str(Money(minor, currency)) if currency in CURRENCIES else f"{minor} {currency}"


_ALIKE = {"provider's id": "id", "settled": "moved", "charge": "reference"}


def _sides(ours: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Name, ours, theirs, and whether both are there and differ."""
    rows, told = [], set()
    for name, value in ours.items():
        other = _ALIKE.get(name, name)
        told.add(other)
        there = theirs.get(other, "")
        differs = other not in ("moved", "reference") and other in theirs and str(there) != str(value)
        rows.append((name, str(value), str(there), differs))
    rows += [(name, "", str(value), False) for name, value in theirs.items() if name not in told]
    return rows


def _line(row: Statement) -> StatementLine:
    def told(name: str) -> str:
        return amount(getattr(row, f"{name}_minor"), row.currency)

    return StatementLine(
        row=row,
        opening=told("opening"),
        captured=told("captured"),
        credit_captured=told("credit_captured"),
        refunded=told("refunded"),
        adjusted=told("adjusted"),
        closing=told("closing"),
        credit_given=told("credit_given"),
        credit_closing=told("credit_closing"),
        provider_closing=told("provider_closing"),
        in_transit=told("in_transit"),
        open=told("open"),
        unexplained=told("unexplained"),
    )
