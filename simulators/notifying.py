"""Notifications to a customer's webhook: signed, sent again until they are taken, and misbehaving as the dials say.

The signature is Stripe's scheme: `t=<Unix time>,v1=<HMAC-SHA256 of "t.body" with the customer's secret, in hex>`.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from simulators.checking import Rejected, only, text
from simulators.dials import DialBoard
from simulators.journal import Journal

_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_TIMEOUT = urllib3.Timeout(connect=2.0, read=5.0)


@dataclass(frozen=True, slots=True)
class Hook:
    """Where an account wants to be told, and the secret that its notifications are signed with."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One piece of news: the event as it is sent, what came before it, and what a forger would say."""

    event: Mapping[str, Any]
    earlier: Mapping[str, Any]
    forged: Mapping[str, Any]


class Hooks:
    """The accounts' webhooks; they survive a restart."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._hooks: dict[str, Hook] = {}

    def get(self, account: str) -> Hook | None:
        """The account's, if it has one."""
        return self._hooks.get(account)

    def put(self, account: str, given: Mapping[str, Any]) -> Hook:
        """Set it.

        Raises:
            Rejected: 422, no such address or secret.
        """
        only(given, {"url", "secret"})
        url = text(given, "url", r"https?://[\x21-\x7e]{1,500}", hint="an http(s) address")
        secret = text(given, "secret", r"[\x21-\x7e]{16,200}", hint="16 to 200 visible characters")
        self._journal.append({"kind": "hook", "account": account, "url": url, "secret": secret})
        self._hooks[account] = Hook(url, secret)
        return self._hooks[account]

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take in a record of the journal."""
        self._hooks[record["account"]] = Hook(record["url"], record["secret"])


class Notifier:
    """Sends notices in the background.

    Args:
        hooks: where to.
        board: the dials.
        header: the name of the header that has the signature.
    """

    def __init__(self, hooks: Hooks, board: DialBoard, *, header: str) -> None:
        self._hooks = hooks
        self._board = board
        self._header = header
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT, maxsize=16)
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, account: str, operation: str, notice: Notice) -> None:
        """Send a notice, as the dials for this operation say."""
        hook = self._hooks.get(account)
        if hook is not None:
            self.begin(self._tell(account, operation, hook, notice))

    def begin(self, work: Any) -> None:
        """Do it in the background; asyncio itself would let go of it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, account: str, operation: str, hook: Hook, notice: Notice) -> None:
        verdict = self._board.decide_notice(account, operation)
        outcome = verdict.outcome
        if outcome == "forge":
            await self._send(Hook(hook.url, "whsec_of_somebody_else"), notice.forged, tries=1)
        if outcome != "reorder":
            await self._send(hook, notice.earlier)
        if outcome == "lose":
            return
        await asyncio.sleep(verdict.latency)
        for _ in range(3 if outcome == "duplicate" else 1):
            await self._send(hook, notice.event)
        if outcome == "reorder":
            await self._send(hook, notice.earlier)

    async def _send(self, hook: Hook, event: Mapping[str, Any], *, tries: int = len(_RETRY_SECONDS) + 1) -> None:
        body = json.dumps(event, separators=(",", ":")).encode()
        for number in range(tries):
            if number:
                await asyncio.sleep(_RETRY_SECONDS[number - 1])
            headers = {"Content-Type": "application/json", self._header: signature(body, hook.secret)}
            if await asyncio.to_thread(self._post, hook.url, body, headers):
                return

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return 200 <= self._http.request("POST", url, body=body, headers=headers, redirect=False).status < 300
        return False


def signature(body: bytes, secret: str) -> str:
    """The header's value for a body that is sent now."""
    now = int(time.time())
    mac = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={mac}"


def no_hook() -> Rejected:
    """What is said to an account that has none."""
    return Rejected(404, "not_found", "This account has no webhook")
