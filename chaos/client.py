"""One company's user at the public API: logs in, asks, and keeps asking while the answer is only "not now"."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import urllib3

from wildrydes.devstack.logins import Login

ANSWER_SECONDS = 10.0
# Access tokens are good for ten minutes.
TOKEN_SECONDS = 480.0
LONGEST_PAUSE = 2.0
IN_PROGRESS = "request-in-progress"


class GaveUp(Exception):
    """No answer that settles the matter came in time."""


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object in it; empty when there is none."""
        try:
            parsed = json.loads(self.data)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def problem(self) -> str:
        """The last part of a problem document's type, such as `operation-final`."""
        return str(self.body.get("type", "")).rpartition("/")[2]

    @property
    def settles(self) -> bool:
        """Whether asking again would change nothing."""
        if self.status == HTTPStatus.CONFLICT:
            return self.problem != IN_PROGRESS
        passing = (0, HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
        return self.status not in passing and self.status < HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def wait(self) -> float:
        """How long we were asked to wait, in seconds."""
        given = self.headers.get("Retry-After", "")
        return float(given) if given.isascii() and given.isdigit() else 0.0


SILENCE = Answer(0, {}, b"")


class Company:
    """A user of one company. Threads may share it.

    Args:
        base_url: where the web listens.
        login: who it is.
    """

    def __init__(self, base_url: str, login: Login) -> None:
        self.slug = login.host.split(".")[0]
        self.tier = login.tier
        self.statuses: Counter[int] = Counter()
        self._pool = urllib3.connection_from_url(base_url, timeout=ANSWER_SECONDS, retries=False, maxsize=32)
        self._host = login.host
        self._login = login
        self._token = ""
        self._token_until = 0.0
        self._lock = threading.Lock()

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask once, logged in; an answer that did not come whole is silence."""
        token = self._access()
        if not token:
            return SILENCE
        answer = self._send(method, path, body, {**(headers or {}), "Authorization": f"Bearer {token}"})
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._token_until = 0.0
        return answer

    def insist(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        until: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """Ask until an answer settles the matter, waiting as long as we are told to.

        Raises:
            GaveUp: `until` said that it is enough.
        """
        for pause in _pauses():
            answer = self.ask(method, path, body, headers)
            if answer.settles:
                return answer
            wake = time.monotonic() + max(pause, answer.wait)
            while time.monotonic() < wake:
                if until():
                    raise GaveUp(f"{self.slug}: {method} {path}: last answer {answer.status or 'none'}")
                time.sleep(min(0.2, max(0.0, wake - time.monotonic())))
        raise AssertionError("unreachable")

    def pages(self, path: str, *, until: Callable[[], bool] = lambda: False) -> Iterator[dict[str, Any]]:
        """Every item of a list.

        Raises:
            GaveUp: as above, or the list is not to be had.
        """
        following: str | None = path
        while following:
            answer = self.insist("GET", following, until=until)
            if answer.status != HTTPStatus.OK:
                raise GaveUp(f"{self.slug}: GET {following}: {answer.status} {answer.problem}")
            yield from answer.body["items"]
            following = answer.body["next"]

    def _access(self) -> str:
        with self._lock:
            if time.monotonic() >= self._token_until:
                asked = {"email": self._login.email, "password": self._login.password}
                answer = self._send("POST", "/api/v1/auth/token", asked, {})
                if answer.status != HTTPStatus.OK:
                    return ""
                self._token, self._token_until = str(answer.body["access"]), time.monotonic() + TOKEN_SECONDS
            return self._token

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Answer:
        try:
            raw = self._pool.request(
                method, path, json=body, headers={**headers, "Host": self._host, "Accept": "application/json"}
            )
            answer = Answer(raw.status, raw.headers, raw.data)
        except urllib3.exceptions.HTTPError:
            answer = SILENCE
        self.statuses[answer.status] += 1
        return answer


def _pauses() -> Iterator[float]:
    """Growing waits with jitter, so that a web that is back is not run over."""
    ceiling = 0.2
    while True:
        yield random.uniform(ceiling / 2, ceiling)
        ceiling = min(LONGEST_PAUSE, ceiling * 2)
