"""A day's statement: what moved here and there, and whether the two closings agree to the last cent."""

import csv
import hashlib
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from payments.reconciliation.events import StatementClosed
from payments.reconciliation.models import Run, Statement

_CURRENCIES = """
    SELECT DISTINCT currency FROM ledger_entryline
    UNION SELECT DISTINCT currency FROM reconciliation_movement
"""
_OURS = """
    SELECT e.kind, l.account, e.occurred_at < %(start)s AS before, sum(l.amount_minor)::bigint
      FROM ledger_entry e JOIN ledger_entryline l ON l.entry_id = e.id
     WHERE l.currency = %(currency)s AND e.occurred_at < %(end)s AND l.account IN ('provider', 'store_credit')
     GROUP BY 1, 2, 3
"""
_THEIRS = """
    SELECT kind, moved_at < %(start)s AS before, sum(amount_minor)::bigint
      FROM reconciliation_movement
     WHERE currency = %(currency)s AND succeeded AND moved_at < %(end)s
     GROUP BY 1, 2
"""
# Per id of the provider: what we booked and what it moved, until the day's end and at all.
_BRIDGE = """
    WITH ours AS (
        SELECT e.provider_ref AS ref, sum(l.amount_minor) AS ever,
               coalesce(sum(l.amount_minor) FILTER (WHERE e.occurred_at < %(end)s), 0) AS by_then
          FROM ledger_entry e JOIN ledger_entryline l ON l.entry_id = e.id
         WHERE l.account = 'provider' AND l.currency = %(currency)s AND e.provider_ref <> ''
         GROUP BY 1
    ), theirs AS (
        SELECT provider_ref AS ref, CASE kind WHEN 'refund' THEN -amount_minor ELSE amount_minor END AS ever,
               CASE WHEN moved_at >= %(end)s THEN 0 WHEN kind = 'refund' THEN -amount_minor ELSE amount_minor END AS by_then
          FROM reconciliation_movement WHERE succeeded AND currency = %(currency)s
    ), apart AS (
        SELECT coalesce(o.ref, t.ref) AS ref, coalesce(o.by_then, 0) - coalesce(t.by_then, 0) AS gap,
               coalesce(o.ever, 0) = coalesce(t.ever, 0) AS meets
          FROM ours o FULL JOIN theirs t ON t.ref = o.ref
         WHERE coalesce(o.by_then, 0) <> coalesce(t.by_then, 0)
    )
    SELECT coalesce(sum(gap) FILTER (WHERE meets), 0)::bigint,
           coalesce(sum(gap) FILTER (WHERE NOT meets AND EXISTS
               (SELECT FROM reconciliation_item i WHERE i.subject = apart.ref OR i.provider_ref = apart.ref)), 0)::bigint
      FROM apart
"""
FIGURES = (
    "opening_minor",
    "captured_minor",
    "credit_captured_minor",
    "refunded_minor",
    "adjusted_minor",
    "closing_minor",
    "credit_opening_minor",
    "credit_given_minor",
    "credit_paid_minor",
    "credit_forgiven_minor",
    "credit_closing_minor",
    "provider_opening_minor",
    "provider_charged_minor",
    "provider_refunded_minor",
    "provider_closing_minor",
    "in_transit_minor",
    "open_minor",
    "unexplained_minor",
)
"""The amounts of a statement, in the order in which they are told."""


def close_day(run: Run) -> list[StatementClosed]:
    """Write the statements of the run's day, one per currency that ever moved; answers what is to be published of them."""
    with connection.cursor() as cursor:
        cursor.execute(_CURRENCIES)
        currencies = sorted(row[0] for row in cursor.fetchall())
    return [_close(run, currency) for currency in currencies]


def canonical(statement: Statement) -> bytes:
    """What the hash is over: sorted JSON of day, currency and figures."""
    told = {"day": statement.day.isoformat(), "currency": statement.currency}
    told |= {name: getattr(statement, name) for name in FIGURES}
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def as_csv(statements: Iterable[Statement], *, company: str) -> str:
    """Statements as CSV (RFC 4180), amounts in minor units; no cell can be taken for a formula by a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["company", "day", "currency", *FIGURES, "sha256"])
    for statement in statements:
        figures = [getattr(statement, name) for name in FIGURES]
        writer.writerow([_harmless(company), statement.day.isoformat(), statement.currency, *figures, statement.sha256])
    return out.getvalue()


def _harmless(text: str) -> str:
    """A text that begins like a formula gets an apostrophe in front (OWASP, CSV injection); numbers are ours and stay numbers."""
    first = unicodedata.normalize("NFKC", text[:1])
    return f"'{text}" if first and first in "=+-@\t\r\n" else text


def _close(run: Run, currency: str) -> StatementClosed:
    figures = _figures(currency=currency, start=run.period_start, end=run.period_end)
    statement = Statement(run=run, day=run.period_start.date(), currency=currency, **figures)
    statement.sha256 = hashlib.sha256(canonical(statement)).hexdigest()
    statement.save(force_insert=True)
    return StatementClosed(
        statement_id=statement.id,
        day=statement.day,
        currency=currency,
        closing_minor=statement.closing_minor,
        unexplained_minor=statement.unexplained_minor,
        sha256=statement.sha256,
    )


def _figures(*, currency: str, start: datetime, end: datetime) -> Mapping[str, int]:
    asked: dict[str, Any] = {"currency": currency, "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(_OURS, asked)
        ours = {(kind, account, before): minor for kind, account, before, minor in cursor.fetchall()}
        cursor.execute(_THEIRS, asked)
        theirs = {(kind, before): minor for kind, before, minor in cursor.fetchall()}
        cursor.execute(_BRIDGE, asked)
        in_transit, open_minor = cursor.fetchone()

    def sum_of(account: str, *kinds: str, before: bool = False) -> int:
        return sum(m for (k, a, b), m in ours.items() if a == account and b is before and (not kinds or k in kinds))

    opening, credit_opening = sum_of("provider", before=True), sum_of("store_credit", before=True)
    there_before = theirs.get(("charge", True), 0) - theirs.get(("refund", True), 0)
    charged, refunded = theirs.get(("charge", False), 0), theirs.get(("refund", False), 0)
    closing = opening + sum_of("provider")
    there = there_before + charged - refunded
    return {
        "opening_minor": opening,
        "captured_minor": sum_of("provider", "captured"),
        "credit_captured_minor": sum_of("provider", "credit_captured"),
        "refunded_minor": -sum_of("provider", "refunded"),
        "adjusted_minor": sum_of("provider", "adjusted", "adopted"),
        "closing_minor": closing,
        "credit_opening_minor": credit_opening,
        "credit_given_minor": sum_of("store_credit", "credit_given", "adopted"),
        "credit_paid_minor": -sum_of("store_credit", "credit_captured"),
        "credit_forgiven_minor": -sum_of("store_credit", "credit_forgiven"),
        "credit_closing_minor": credit_opening + sum_of("store_credit"),
        "provider_opening_minor": there_before,
        "provider_charged_minor": charged,
        "provider_refunded_minor": refunded,
        "provider_closing_minor": there,
        "in_transit_minor": in_transit,
        "open_minor": open_minor,
        "unexplained_minor": closing - there - in_transit - open_minor,
    }
