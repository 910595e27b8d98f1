"""The product's main job, done through the public REST API and shown as its user would see it."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import urllib3

from wildrydes.devstack.errors import StackError
from wildrydes.devstack.logins import Login

ANSWER_SECONDS = 30.0
RIDE_SECONDS = 60.0
POINTS_SECONDS = 30.0
POLL_SECONDS = 0.25
LONGEST_BODY = 600
# Fields that are in the answers but say little to somebody who looks on.
UNTOLD = frozenset({"id", "kind", "created_at", "updated_at", "deadline_at", "links", "user_id", "booking_id", "at"})
# In the city where the simulated unicorns graze.
RIDE = {
    "pickup": {"latitude": 36.1147, "longitude": -115.1728, "label": "Bellagio"},
    "dropoff": {"latitude": 36.0840, "longitude": -115.1537, "label": "Airport"},
    "passengers": 2,
}
FINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})

Show = Callable[[str], None]


class JobNotDone(StackError):
    """The main job failed; the message says at which step and what the answer was."""


class Visitor:
    """A tenant's user with a terminal: asks, shows question and answer, insists on the expected status.

    Args:
        base_url: where the web listens.
        login: who it is.
        show: takes lines for people.
    """

    def __init__(self, base_url: str, *, login: Login, show: Show) -> None:
        self._pool = urllib3.connection_from_url(base_url, timeout=ANSWER_SECONDS, retries=False)
        self._host = login.host
        self._login = login
        self._show = show
        self._token = ""

    def log_in(self) -> None:
        """Get an access token with e-mail and password.

        Raises:
            JobNotDone: refused.
        """
        asked = {"email": self._login.email, "password": self._login.password}
        self._token = str(self.ask("POST", "/api/v1/auth/token", expect=200, body=asked).body.get("access", ""))

    def book(self) -> str:
        """Ask for a ride; where to follow it.

        Raises:
            JobNotDone: not accepted.
        """
        key = {"Idempotency-Key": str(uuid.uuid4())}
        accepted = self.ask("POST", "/api/v1/bookings", expect=202, body=RIDE, headers=key)
        return self.path_in(accepted)

    def path_in(self, accepted: "Answer") -> str:
        """The path that an answer's `Location` names."""
        return accepted.headers.get("Location", "").removeprefix(self._login.url.rstrip("/"))

    def follow(self, operation: str) -> dict[str, Any]:
        """Wait for the operation's end; its result.

        Raises:
            JobNotDone: it ended otherwise than well, or not in time.
        """
        deadline = time.monotonic() + RIDE_SECONDS
        while time.monotonic() < deadline:
            answer = self.ask("GET", operation, expect=200, headers={"Prefer": "wait=10"})
            status = answer.body.get("status")
            if status == "succeeded":
                return dict(answer.body.get("result") or {})
            if status in FINAL:
                raise JobNotDone(f"{self._host}: the ride ended as {status}: {_brief(answer.body)}")
            time.sleep(POLL_SECONDS)
        raise JobNotDone(f"{self._host}: the ride was not done after {RIDE_SECONDS:.0f} s: see the log of the workers.")

    def points(self) -> int:
        """The points there are now."""
        return int(self.ask("GET", "/api/v1/loyalty", expect=200, quiet=True).body.get("balance", 0))

    def more_points(self, before: int) -> int:
        """Wait for the ride's points: a reaction that the ride itself does not wait for.

        Raises:
            JobNotDone: none came in time.
        """
        deadline = time.monotonic() + POINTS_SECONDS
        while self.points() <= before:
            if time.monotonic() > deadline:
                raise JobNotDone(
                    f"{self._host}: no points {POINTS_SECONDS:.0f} s after the ride: see the workers' log."
                )
            time.sleep(POLL_SECONDS)
        self.ask("GET", "/api/v1/loyalty", expect=200)
        return self.points() - before

    def ask(
        self,
        method: str,
        path: str,
        *,
        expect: int,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> "Answer":
        """Ask one question and show it with its answer, unless `quiet`.

        Raises:
            JobNotDone: no answer, or another status than expected.
        """
        question = {**(headers or {}), **({"Authorization": f"Bearer {self._token}"} if self._token else {})}
        if not quiet:
            self._show(f"{method} http://{self._host}{path}")
            for name, value in question.items():
                self._show(f"    {name}: {_short(value)}")
            if body is not None:
                self._show(f"    {_brief(body)}")
        try:
            raw = self._pool.request(
                method, path, json=body, headers={**question, "Host": self._host, "Accept": "application/json"}
            )
        except urllib3.exceptions.HTTPError as error:
            raise JobNotDone(f"{method} http://{self._host}{path} was not answered: {error}") from error
        answer = Answer(raw.status, raw.headers, raw.data)
        if not quiet:
            answer.show(self._show)
        if answer.status != expect:
            raise JobNotDone(f"{method} http://{self._host}{path}: {answer.status} {_brief(answer.body)}")
        return answer


class Answer:
    """What came back: status, headers, and the body as JSON."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        try:
            parsed = json.loads(data)
        except ValueError:
            parsed = {"text": data[:LONGEST_BODY].decode("utf-8", errors="replace")}
        self.body: dict[str, Any] = parsed if isinstance(parsed, dict) else {"items": parsed}

    def show(self, show: Show) -> None:
        """Show it to people."""
        location = f"  Location: {self.headers['Location']}" if "Location" in self.headers else ""
        show(f"  → {self.status}{location}")
        show(f"    {_brief(self.body)}")


def book_for(logins: Iterable[Login], *, base_url: str, show: Show) -> None:
    """Book a ride for a user of each tenant and follow it until it is confirmed and its points are there.

    Raises:
        JobNotDone: one of the steps went otherwise.
    """
    for login in logins:
        show(f"── {login.email} at {login.host} ({login.tier})")
        began = time.monotonic()
        visitor = Visitor(base_url, login=login, show=show)
        visitor.log_in()
        before = visitor.points()
        result = visitor.follow(visitor.book())
        waited = time.monotonic() - began
        points = visitor.more_points(before)
        unicorn = (result.get("unicorn") or {}).get("name") or "a unicorn"
        show(f"── {unicorn} comes; confirmed after {waited:.1f} s, {points} points")


def _short(value: str) -> str:
    return value if len(value) <= 44 else f"{value[:40]}…"


def _brief(body: Mapping[str, Any]) -> str:
    """The body as JSON, cut to what a person wants to read."""
    text = json.dumps(_telling(body), ensure_ascii=False)
    return text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}…"


def _telling(value: Any) -> Any:
    """Without what only machines read, and with long texts (tokens) shortened."""
    if isinstance(value, Mapping):
        return {key: _telling(one) for key, one in value.items() if key not in UNTOLD and one not in (None, "", [])}
    if isinstance(value, list):
        return [_telling(one) for one in value]
    return _short(value) if isinstance(value, str) else value
