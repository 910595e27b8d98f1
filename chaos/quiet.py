"""Rides before the first kill: they show that the stack works, and what each route costs and earns."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import urllib3

from chaos.client import Company
from chaos.evidence import FINAL
from chaos.record import Record
from chaos.traffic import Client
from chaos.wishes import EARLIEST, ROUTES, Wish

QUIET_SECONDS = 60.0
POLL_SECONDS = 0.5


class NotQuiet(Exception):
    """The product does not do its main job even before anything is killed."""


def learn_prices(companies: Sequence[Company], record: Record, *, payments_port: int) -> None:
    """Book each route once for each company and note what the provider charged and what points it earned.

    Raises:
        NotQuiet: a ride did not end well in time.
    """
    pairs = [(company, route) for company in companies for route in range(len(ROUTES))]
    with ThreadPoolExecutor(4) as pool:
        for price in pool.map(lambda pair: _learn(pair[0], pair[1], record, payments_port), pairs):
            record.note("price", **price)


def _learn(company: Company, route: int, record: Record, payments_port: int) -> dict[str, Any]:
    deadline = time.monotonic() + QUIET_SECONDS
    wish = Wish(number=0, key=str(uuid4()), route=route, ahead=EARLIEST + timedelta(days=28, hours=route))
    accepted = Client(company, record, until=lambda: time.monotonic() > deadline).live_through(wish)
    links = accepted.body.get("links") or {}
    while time.monotonic() < deadline and links:
        status = company.insist("GET", links["self"]).body["status"]
        points = _points(company, links["resource"]) if status in FINAL else None
        if points is not None:
            amount = _charged(company, links["resource"].rpartition("/")[2], payments_port)
            return {"company": company.slug, "route": route, "amount": amount, "points": points}
        time.sleep(POLL_SECONDS)
    raise NotQuiet(f"{company.slug}: a ride before the first kill did not end well: {accepted.status} {accepted.body}")


def _points(company: Company, booking: str) -> int | None:
    """The ride's points; None while there are none, as they come a moment later."""
    entries = company.insist("GET", "/api/v1/loyalty?limit=100").body["items"]
    return next((entry["points"] for entry in entries if entry["booking_id"] == booking.rpartition("/")[2]), None)


def _charged(company: Company, booking_id: str, payments_port: int) -> int:
    address = f"http://127.0.0.1:{payments_port}/v1/ledger?account={company.slug}"
    movements = urllib3.request("GET", address, timeout=10).json()["movements"]
    amounts = [row["amount"] for row in movements if row["object"] == "charge" and row["reference"] == booking_id]
    if len(amounts) != 1:
        raise NotQuiet(f"{company.slug}: a ride before the first kill was charged {amounts}")
    return int(amounts[0])
