"""A rider at the public REST API, and looks behind the scenes: the database, and the payment provider's ledger."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import urllib3
from psycopg.rows import dict_row

from wildrydes.devstack import Stack
from wildrydes.devstack.dialogue import RIDE
from wildrydes.devstack.logins import Login

FINAL = ("succeeded", "failed", "cancelled", "expired")


def eventually(condition: Callable[[], Any], *, within: float = 60.0, what: str = "") -> Any:
    """The condition's first true answer.

    Raises:
        AssertionError: there was none in so many seconds.
    """
    deadline = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}"
        time.sleep(0.05)
    return answer


class Rider:
    """One user of a demonstration tenant."""

    def __init__(self, stack: Stack, login: Login) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=60, maxsize=60)
        self._stack = stack
        self._headers: dict[str, str] = {"Host": login.host, "Content-Type": "application/json"}
        self.slug = login.host.split(".")[0]
        answer = self.call("POST", "/api/v1/auth/token", {"email": login.email, "password": login.password})
        self._headers["Authorization"] = f"Bearer {answer.json()['access']}"

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return self._http.request(
            method, self._stack.base_url + path, body=data, headers={**self._headers, **(headers or {})}
        )

    def post_booking(self, *, key: str | None = None) -> Any:
        return self.call("POST", "/api/v1/bookings", RIDE, {"Idempotency-Key": key or str(uuid.uuid4())})

    def book(self) -> dict[str, Any]:
        """The operation of a ride that was asked for."""
        answer = self.post_booking()
        assert answer.status == 202, answer.data
        return dict(answer.json())

    def follow(self, operation: Mapping[str, Any], *, within: float = 60.0) -> dict[str, Any]:
        """The operation once it has ended."""

        def ended() -> dict[str, Any] | None:
            now = self.call("GET", operation["links"]["self"]).json()
            return now if now["status"] in FINAL else None

        return dict(eventually(ended, within=within, what=f"the end of {operation['id']}"))


class BehindTheScenes:
    """What a rider does not see: rows, locks, and what the provider has in its books."""

    def __init__(self, stack: Stack, slug: str) -> None:
        self._stack = stack
        self.slug = slug
        self._http = urllib3.PoolManager(retries=False, timeout=10)
        self._provider = f"http://127.0.0.1:{stack.ports.payments}"

    def open(self) -> psycopg.Connection[dict[str, Any]]:
        """A session of its own in the tenant's schema."""
        session = psycopg.connect(self._stack.environment["DATABASE_URL"], row_factory=dict_row, autocommit=True)
        session.execute("SELECT set_config('search_path', %s, false)", [f"t_{self.slug},public"])
        return session

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        with self.open() as session:
            return session.execute(query, parameters).fetchall()

    def is_claimed(self, handler: str, correlation_id: uuid.UUID) -> bool:
        """Whether a worker has the delivery in its hands."""
        query = "SELECT FROM messaging_delivery WHERE handler = %s AND correlation_id = %s AND claim_id IS NOT NULL"
        return bool(self.rows(query, handler, correlation_id))

    def waits_for_a_lock(self) -> bool:
        """Whether somebody stands before a row that we hold."""
        return bool(self.rows("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

    def script(self, *outcomes: str) -> None:
        """What the provider does with the next charges of this company."""
        body = {"outcomes": list(outcomes), "account": self.slug, "operation": "charge"}
        answer = self._http.request("POST", f"{self._provider}/dials/next", json=body)
        assert answer.status == 201, answer.data

    def dials(self, **dials: object) -> None:
        answer = self._http.request("PUT", f"{self._provider}/dials/{self.slug}", json=dials)
        assert answer.status == 200, answer.data

    def reset(self) -> None:
        self._http.request("DELETE", f"{self._provider}/dials/{self.slug}")

    def charges(self, booking_id: str) -> list[tuple[str, int]]:
        """Status and amount of what the provider charged for a booking."""
        ledger = self._http.request("GET", f"{self._provider}/v1/ledger?account={self.slug}").json()
        return [
            (row["status"], row["amount"])
            for row in ledger["movements"]
            if row["object"] == "charge" and row["reference"] == booking_id
        ]
