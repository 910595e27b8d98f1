"""What is found in the end, from four witnesses: our API, the provider's ledger, the finance system, the dead letters."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import urllib3

from chaos.client import Company, GaveUp
from wildrydes.devstack import Stack

Evidence = dict[str, Any]
FINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})


class Witnesses:
    """Asks them.

    Args:
        stack: for the simulators' ports and the database's address.
        companies: whose rides these are.
        until: says when to give up asking.
    """

    def __init__(self, stack: Stack, companies: Sequence[Company], *, until: Callable[[], bool]) -> None:
        self._stack = stack
        self._companies = companies
        self._until = until
        self._http = urllib3.PoolManager(retries=3, timeout=30)
        self._before: frozenset[str] = frozenset()

    def remember(self) -> None:
        """Note what is there before the run: none of it is evidence."""
        found = self.all()
        companies = found["companies"].values()
        rides = {booking_id for company in companies for booking_id in company["bookings"]}
        money = {row["id"] for company in companies for row in company["ledger"]}
        letters = {letter["id"] for letter in found["dead_letters"]}
        self._before = frozenset(rides | money | letters)

    def open_operations(self) -> int:
        """How many promises the API itself still calls open.

        Raises:
            GaveUp: it does not answer.
        """
        lists = (
            company.pages(f"/api/v1/operations?limit=100&status={status}", until=self._until)
            for company in self._companies
            for status in ("accepted", "running")
        )
        return sum(len(list(items)) for items in lists)

    def waiting(self) -> int:
        """Deliveries that are due or in somebody's hands: reactions that nobody waits for end by these."""
        query = "SELECT count(*) FROM public.messaging_delivery WHERE not_before <= now()"
        with psycopg.connect(self._stack.environment["DATABASE_URL"]) as session:
            row = session.execute(query).fetchone()
        return int(row[0]) if row else 0

    def all(self) -> Evidence:
        """Everything.

        Raises:
            GaveUp: the API does not answer.
        """
        return {
            "companies": {company.slug: self._of(company) for company in self._companies},
            "dead_letters": [
                letter
                for letter in self._rows(
                    "SELECT id::text, handler, reason, error_class FROM public.messaging_deadletter ORDER BY id"
                )
                if letter["id"] not in self._before
            ],
            "waiting": self._rows(
                "SELECT id::text, handler, attempts, crashes, sends, claimed_by, created_at::text, not_before::text,"
                " due_at::text, lease_until::text FROM public.messaging_delivery WHERE not_before <= now() ORDER BY id"
            ),
        }

    def _of(self, company: Company) -> dict[str, Any]:
        def listed(path: str) -> list[dict[str, Any]]:
            return list(company.pages(f"{path}?limit=100", until=self._until))

        return {
            "operations": {
                one["id"]: {
                    **{name: one[name] for name in ("kind", "status", "created_at", "finished_at")},
                    "error": str(one.get("error", {}).get("type", "")).rpartition("/")[2],
                }
                for one in listed("/api/v1/operations")
            },
            "bookings": {
                one["id"]: {name: one[name] for name in ("state", "reference", "fare", "paid_by", "refund", "failure")}
                for one in listed("/api/v1/bookings")
                if one["id"] not in self._before
            },
            "points": [
                {name: one[name] for name in ("booking_id", "kind", "points")} for one in listed("/api/v1/loyalty")
            ],
            "ledger": [
                row
                for row in self._simulator(self._stack.ports.payments, f"/v1/ledger?account={company.slug}")[
                    "movements"
                ]
                if row["id"] not in self._before
            ],
            "webhooks": [
                {"id": one["id"], "type": one["type"], "booking": one["body"].get("data", {}).get("booking_id")}
                for one in self._simulator(self._stack.ports.finance, f"/inboxes/{inbox_of(company)}")["messages"]
            ],
        }

    def _simulator(self, port: int, path: str) -> dict[str, Any]:
        answer = self._http.request("GET", f"http://127.0.0.1:{port}{path}")
        if answer.status != 200:
            raise GaveUp(f"The simulator answered {answer.status} to {path}.")
        return dict(answer.json())

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self._stack.environment["DATABASE_URL"]) as session:
            cursor = session.execute(query.encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def inbox_of(company: Company) -> str:
    """The finance system's inbox that the company's webhooks go to."""
    return f"chaos-{company.slug}"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file, readable by people."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
