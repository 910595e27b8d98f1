"""Calling the product's fleet API, as an operator's system does: a credential, tokens, positions, requests, answers."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import urllib3

_BATCH = 400
_TIMEOUT_S = 10.0


class NotReached(Exception):
    """The product did not answer, or not as it should; the text is one line."""


class FleetCaller:
    """One operator's connection to the product; safe for threads.

    Args:
        url: the product's public address.
        credentials: a JSON file with `credential` and `secret`; it may come later.
    """

    def __init__(self, url: str, credentials: Path) -> None:
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._pool = urllib3.PoolManager(maxsize=8, timeout=_TIMEOUT_S, retries=False)
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def report(self, positions: Sequence[Mapping[str, Any]]) -> None:
        """Tell where the unicorns are.

        Raises:
            NotReached: nobody took it.
        """
        for first in range(0, len(positions), _BATCH):
            self._insist("PUT", "positions", {"positions": positions[first : first + _BATCH]})

    def pull(self, after: str | None) -> list[dict[str, Any]]:
        """What the unicorns are asked, after the correlation id that is known.

        Raises:
            NotReached: nobody told.
        """
        found = self._insist("GET", f"requests?after={after}" if after else "requests", None)
        return list(found["items"])

    def register(self, url: str) -> str:
        """Have requests pushed to `url`; answers the secret that they are signed with.

        Raises:
            NotReached: it was not taken.
        """
        return str(self._insist("PUT", "webhook", {"url": url})["secret"])

    def answer(self, body: bytes) -> int:
        """Send an answer, or what passes for one; the HTTP status that came back.

        Raises:
            NotReached: none came.
        """
        return self._call("POST", "answers", body).status

    def _insist(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        answer = self._call(method, path, None if body is None else json.dumps(body).encode())
        if answer.status >= 300:
            raise NotReached(f"{method} {path.partition('?')[0]}: {answer.status}")
        return dict(json.loads(answer.data))

    def _call(self, method: str, path: str, body: bytes | None) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {self._current_token()}", "Content-Type": "application/json"}
        return self._send(method, path, body, headers)

    def _current_token(self) -> str:
        with self._lock:
            if time.monotonic() > self._until:
                try:
                    known = self._credentials.read_bytes()
                except OSError as error:
                    raise NotReached(f"{self._credentials} is not there yet") from error
                answer = self._send("POST", "token", known, {"Content-Type": "application/json"})
                if answer.status != 200:
                    raise NotReached(f"The credential was refused: {answer.status}")
                told = json.loads(answer.data)
                self._token, self._until = str(told["access"]), time.monotonic() + told["expires_in"] * 0.8
            return self._token

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, f"{self._url}/api/fleet/v1/{path}", body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise NotReached(f"{method} {path.partition('?')[0]}: {type(error).__name__}") from error
