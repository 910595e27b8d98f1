"""How `manage.py deadletters` shows things: as aligned text for people, or as JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import OutputWrapper

from messaging.deadletters.redriving.selectors import RunProgress
from messaging.deadletters.selectors import Cause, LetterDetail
from messaging.models import DeadLetter, ItemState, RedriveItem
from wildrydes.kernel.money import Money


def plain(value: Any) -> str:
    """One line of printable text: nothing that was stored may steer a terminal."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    text = "-" if value is None or value == "" else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def as_json(value: Any) -> str:
    """JSON in ASCII; ids and times as text."""
    return json.dumps(value, default=_builtin, indent=2)


def _builtin(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | Money):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not for JSON.")


def table(out: OutputWrapper, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Aligned columns under their names."""
    cells = [tuple(head), *(tuple(plain(value) for value in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        out.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def causes(out: OutputWrapper, found: Sequence[Cause]) -> None:
    """One line for each cause."""
    columns = {
        "cause": "fingerprint",
        "open": "open",
        "all": "count",
        "no outcome": "without_outcome",
        "companies": "tenants",
        "handler": "handler",
        "reason": "reason",
        "error": "error_class",
        "first died": "first_died_at",
        "last died": "last_died_at",
    }
    table(out, [*columns], ([getattr(cause, name) for name in columns.values()] for cause in found))


def letter_fields(letter: DeadLetter) -> dict[str, Any]:
    """A letter as JSON-ready fields."""
    return {name: value for name, value in vars(letter).items() if not name.startswith("_")}


def letters(out: OutputWrapper, found: Iterable[DeadLetter]) -> None:
    """One line for each letter; `!` marks one whose outcome is missing."""
    columns = {
        "id": "id",
        "state": "state",
        "company": "tenant_id",
        "handler": "handler",
        "reason": "reason",
        "error": "error_class",
        "cause": "fingerprint",
        "redrives": "redrives",
        "died": "last_died_at",
    }
    rows = (
        [" " if letter.outcome_committed else "!", *(getattr(letter, name) for name in columns.values())]
        for letter in found
    )
    table(out, ["", *columns], rows)


def detail_fields(detail: LetterDetail) -> dict[str, Any]:
    """A letter with all that is known of it, as JSON-ready fields."""
    prospect = None
    if detail.prospect is not None:
        prospect = {**asdict(detail.prospect), "money": detail.prospect.money}
    return {
        **letter_fields(detail.letter),
        "tenant": detail.tenant.slug if detail.tenant else None,
        "occurred_at": detail.occurred_at,
        "causation_id": detail.causation_id,
        "prospect": prospect,
        "obstacle": detail.obstacle,
        "run_id": detail.run_id,
        "failed_attempts": [asdict(attempt) for attempt in detail.attempts],
    }


def detail(out: OutputWrapper, found: LetterDetail) -> None:
    """A letter, a field on each line, and its attempts."""
    fields = detail_fields(found)
    attempts = fields.pop("failed_attempts")
    if found.prospect is not None:
        money = f" ({found.prospect.money})" if found.prospect.money else ""
        fields["prospect"] = f"{found.prospect.verdict}: {found.prospect.summary}{money}"
    width = max(map(len, fields))
    for name, value in fields.items():
        out.write(f"{name.ljust(width)}  {plain(value)}")
    out.write("")
    table(
        out,
        ("attempt", "when", "error", "delivery"),
        ((a["attempt"], a["happened_at"], a["error_class"], a["delivery_id"]) for a in attempts),
    )


def progress_fields(seen: RunProgress) -> dict[str, Any]:
    """A run as JSON-ready fields."""
    return {
        "id": seen.run.id,
        "state": seen.run.state,
        "note": seen.run.note,
        "selection": seen.run.selection,
        "rate": seen.run.rate,
        "matched": seen.run.matched,
        "left_out": seen.run.left_out,
        "verdicts": dict(seen.verdicts),
        "states": dict(seen.states),
        "money": [str(amount) for amount in seen.money],
        "percent": seen.percent,
        "may": list(seen.may),
    }


def progress_line(seen: RunProgress) -> str:
    """A run in one line."""
    states = ", ".join(f"{n} {state}" for state, n in seen.states.items() if n) or "no letters yet"
    note = f". {seen.run.note}" if seen.run.note else ""
    return plain(f"{seen.run.id}  {seen.run.state}  {seen.percent} %  {states}{note}")


def plan(out: OutputWrapper, seen: RunProgress, items: Iterable[RedriveItem]) -> None:
    """What the dry run said: in sum, and of each."""
    for item in items:
        money = f"  ({Money(item.money_minor, item.currency)})" if item.money_minor is not None else ""
        out.write(plain(f"{item.letter_id}  {item.verdict}: {item.summary}{money}"))
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in seen.verdicts.items() if n)
    out.write(f"{seen.total} letters: {verdicts or 'none'}.")
    if seen.run.left_out:
        out.write(f"{seen.run.left_out} more are dealt with or in another open run and left out.")
    out.write(f"Money it would move: {', '.join(map(str, seen.money)) or 'none'}.")


def items(out: OutputWrapper, found: Iterable[RedriveItem]) -> None:
    """What became of each letter of a run."""
    table(
        out,
        ("letter", "state", "dry run", "what", "result"),
        ((i.letter_id, ItemState(i.state).value, i.verdict, i.summary, i.result) for i in found),
    )
