"""A run in which all went well, made by hand, to be doctored."""

import hashlib
from datetime import UTC, datetime
from typing import Any

BEGAN = 1_795_000_000.0
HEALED = BEGAN + 100
SLUG = "acme"


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


class World:
    """Record lines and evidence of a few rides; `confirm`, `cancel` and `decline` add one each."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = [
            {"at": BEGAN, "what": "start", "seed": 7, "kills": 1, "faults": 0.0},
            {"at": BEGAN, "what": "price", "company": SLUG, "route": 0, "amount": 900, "points": 9},
        ]
        self.company: dict[str, Any] = {"operations": {}, "bookings": {}, "points": [], "ledger": [], "webhooks": []}
        self.evidence: dict[str, Any] = {"companies": {SLUG: self.company}, "dead_letters": [], "waiting": []}
        self.strike(1, at=BEGAN + 10)
        for number in range(3):
            self.confirm(f"ride-{number}", at=BEGAN + 5 + 10 * number)
        self.cancel("off", at=BEGAN + 40)
        self.decline("poor", at=BEGAN + 50)
        self.note("healed", at=HEALED)

    def note(self, what: str, **facts: Any) -> None:
        self.lines.append({"what": what, **facts})

    def strike(
        self, number: int, *, at: float, companies: tuple[str, ...] = (SLUG,), hit: str | None = "web (1)"
    ) -> None:
        self.note("strike", at=at, number=number, kind="WEB", hit=hit, companies=list(companies))

    def answer(
        self, key: str, *, at: float, status: int = 202, body: str = "accepted", what: str = "booked", **more: Any
    ) -> None:
        facts = {
            "company": SLUG,
            "key": key,
            "status": status,
            "problem": "",
            "digest": hashlib.sha256(f"{key} {body}".encode()).hexdigest(),
            "location": f"/api/v1/operations/o-{key}",
            "operation": f"o-{key}",
            "booking": f"b-{key}",
        }
        self.note(what, at=at, **{**facts, **more})

    def ask(self, key: str, *, at: float, declined: bool = False) -> None:
        self.note("wish", at=at, company=SLUG, key=key, route=0, declined=declined, cancel="")
        self.answer(key, at=at)

    def confirm(self, key: str, *, at: float) -> None:
        self.ask(key, at=at)
        self.answer(key, at=at + 1)  # a repetition, answered alike
        self._end(key, at=at, state="confirmed", status="succeeded", paid_by="card")
        self.charge(key, charge=f"ch-{key}")
        self.company["points"].append({"booking_id": f"b-{key}", "kind": "earned", "points": 9})

    def cancel(self, key: str, *, at: float) -> None:
        self.confirm(key, at=at)
        cancellation = f"c-{key}"
        self.answer(key, at=at + 4, what="cancelled", operation=cancellation, way="cancellation")
        self.company["operations"][cancellation] = _operation("booking-cancellation", at + 4, "succeeded")
        self.company["bookings"][f"b-{key}"].update(state="cancelled", refund="done")
        self.company["ledger"].append({"object": "refund", "id": f"re-{key}", "charge": f"ch-{key}", "amount": 900})
        self.company["points"].append({"booking_id": f"b-{key}", "kind": "taken back", "points": -9})
        self.webhook(key, "cancelled")

    def decline(self, key: str, *, at: float) -> None:
        self.ask(key, at=at, declined=True)
        self._end(key, at=at, state="failed", status="failed", paid_by=None, failure={"code": "payment-declined"})
        self.charge(key, charge=f"ch-{key}", status="declined")

    def charge(self, key: str, *, charge: str, amount: int = 900, status: str = "succeeded") -> None:
        row = {"object": "charge", "id": charge, "reference": f"b-{key}", "amount": amount, "status": status}
        self.company["ledger"].append(row)

    def webhook(self, key: str, state: str, *, message: str = "") -> None:
        kind = f"booking.{state}"
        found = {"id": message or f"{kind} {key}", "type": kind, "booking": f"b-{key}"}
        self.company["webhooks"].append(found)

    def booking(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.company["bookings"][f"b-{key}"]
        return found

    def operation(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.company["operations"][f"o-{key}"]
        return found

    def _end(self, key: str, *, at: float, state: str, status: str, **more: Any) -> None:
        self.company["operations"][f"o-{key}"] = _operation("booking", at, status)
        fare = {"amount_minor": 900, "currency": "USD"}
        usual = {"state": state, "reference": key, "fare": fare, "refund": "none", "failure": None}
        self.company["bookings"][f"b-{key}"] = {**usual, **more}
        self.webhook(key, state)


def _operation(kind: str, at: float, status: str) -> dict[str, Any]:
    return {"kind": kind, "status": status, "created_at": iso(at), "finished_at": iso(at + 3), "error": ""}
