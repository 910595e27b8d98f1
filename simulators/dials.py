"""The dials: how a simulator misbehaves, at random by rates or exactly as scripted."""

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from simulators.checking import Rejected, choice, integer, number, only, text
from simulators.journal import Journal

ACCOUNT = r"[A-Za-z0-9_-]{1,64}"
EVERYONE = "*"
MAX_SCRIPT = 10_000

OUTCOMES = {
    "ok": "does it and answers",
    "decline": "does it, with a refusal as its result (a declined card)",
    "error_before": "answers 500 and does nothing",
    "error_after": "does it, then answers 500",
    "timeout_before": "does nothing and hangs for hang_seconds",
    "timeout_after": "does it, then hangs for hang_seconds",
    "drop_before": "does nothing and cuts the connection",
    "drop_after": "does it, then cuts the connection",
    "unavailable": "answers 503 with Retry-After and does nothing",
}
NOTICES = {
    "ok": "is sent",
    "late": "is sent notify_late_ms later",
    "duplicate": "is sent three times",
    "reorder": "is sent before the news that it follows",
    "lose": "is never sent",
    "forge": "is sent, and before it one with a false signature that says the opposite",
}
_NOTICE_RATES = {
    "notify_late_rate": "late",
    "notify_duplicate_rate": "duplicate",
    "notify_reorder_rate": "reorder",
    "notify_lose_rate": "lose",
    "notify_forge_rate": "forge",
}
_RATES = {
    "error_rate": "error_before",
    "error_after_rate": "error_after",
    "timeout_before_rate": "timeout_before",
    "timeout_after_rate": "timeout_after",
    "decline_rate": "decline",
}
_DOWN = {"drop": "drop_before", "503": "unavailable"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Dials:
    """One setting of the dials.

    Attributes:
        latency_ms: added to every answer, in milliseconds.
        jitter_ms: up to this much more, evenly spread, in milliseconds.
        error_rate: share of calls (0 to 1) that get a 500 before anything is done.
        error_after_rate: share that is done and then gets a 500.
        timeout_before_rate: share that hangs with nothing done.
        timeout_after_rate: share that is done and then hangs.
        decline_rate: share whose result is a refusal.
        settle_ms: when an order that is answered later is decided, in milliseconds after it was taken on.
        notify_late_rate: share of notifications that come late; the other rates of this kind as in `NOTICES`.
        notify_duplicate_rate: share that is sent three times.
        notify_reorder_rate: share that comes before the news it follows.
        notify_lose_rate: share that is never sent.
        notify_forge_rate: share that comes with a forgery.
        notify_late_ms: how late, in milliseconds.
        hang_seconds: how long a hanging call hangs before its connection is cut.
        down: empty, `drop` (connections are cut) or `503`.
        operations: the operations this is about; empty means all.
        seed: of the dice, so that a run can be repeated; None takes chance.
    """

    latency_ms: int = 0
    jitter_ms: int = 0
    error_rate: float = 0.0
    error_after_rate: float = 0.0
    timeout_before_rate: float = 0.0
    timeout_after_rate: float = 0.0
    decline_rate: float = 0.0
    settle_ms: int = 50
    notify_late_rate: float = 0.0
    notify_duplicate_rate: float = 0.0
    notify_reorder_rate: float = 0.0
    notify_lose_rate: float = 0.0
    notify_forge_rate: float = 0.0
    notify_late_ms: int = 2_000
    hang_seconds: float = 60.0
    down: str = ""
    operations: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to one call: an outcome out of `OUTCOMES`, after `latency` seconds."""

    outcome: str
    latency: float
    hang_seconds: float


@dataclass(slots=True)
class _Line:
    outcome: str
    account: str
    operation: str
    left: int


class DialBoard:
    """All dials of one simulator: for everyone, for single accounts in their place, for one operation of an account before both.

    Settings survive a restart.

    Args:
        journal: where settings are kept.
        operations: what calls of this simulator are called, for scripts and for `operations`.
        notices: what its notifications are called.
    """

    def __init__(self, journal: Journal, operations: tuple[str, ...], notices: tuple[str, ...] = ()) -> None:
        self._journal = journal
        self.operations = (*operations, *notices)
        self._notices = notices
        self._settings: dict[str, Dials] = {}
        self._dice: dict[str, random.Random] = {}
        self._script: deque[_Line] = deque()

    def get(self, account: str, operation: str = "") -> Dials:
        """The setting that applies to an account (`*` for everyone), or to one operation of it."""
        return self._settings.get(self._key(account, operation)) or Dials()

    def _key(self, account: str, operation: str) -> str:
        """The name of the most particular setting there is."""
        names = (f"{account}/{operation}", account)
        return next((name for name in names if name in self._settings), EVERYONE)

    def accounts(self) -> list[str]:
        """Those with a setting of their own."""
        return sorted(self._settings)

    def set(self, account: str, given: Mapping[str, Any]) -> Dials:
        """Replace a setting; what is not given goes back to its default.

        Raises:
            Rejected: 422, an unknown dial or an impossible value.
        """
        dials = self._read(given)
        self._journal.append({"kind": "dials", "account": account, "dials": asdict(dials)})
        self._apply(account, dials)
        return dials

    def reset(self, account: str) -> None:
        """Back to defaults, and forget what was scripted for this account."""
        self._journal.append({"kind": "dials", "account": account, "dials": None})
        self._apply(account, None)
        for each in [name for name in self._settings if name.startswith(f"{account}/")]:
            self.reset(each)
        self._script = deque(line for line in self._script if line.account != account)

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take in a record of the journal."""
        given = record["dials"]
        self._apply(
            record["account"], None if given is None else Dials(**{**given, "operations": tuple(given["operations"])})
        )

    def script(self, given: Mapping[str, Any]) -> int:
        """Fix the outcomes of the next calls, in order; returns how many are now waiting.

        Scripts are for a test at hand and do not survive a restart.

        Raises:
            Rejected: 422.
        """
        only(given, {"outcome", "times", "outcomes", "account", "operation"})
        account = EVERYONE if "account" not in given else text(given, "account", ACCOUNT, hint="an account's name")
        operation = "" if "operation" not in given else choice(given, "operation", self.operations)
        for outcome, times in self._outcomes(given, NOTICES if operation in self._notices else OUTCOMES):
            self._script.append(_Line(outcome, account, operation, times))
        return sum(line.left for line in self._script)

    def decide(self, account: str, operation: str) -> Verdict:
        """Throw the dice for one call, or follow the script."""
        dials = self.get(account, operation)
        applies = not dials.operations or operation in dials.operations
        dice = self._dice_for(account, operation)
        jitter = dice.random() * dials.jitter_ms if dials.jitter_ms else 0.0
        latency = (dials.latency_ms + jitter) / 1000 if applies else 0.0
        outcome = self._scripted(account, operation) or (_thrown(dials, dice) if applies else "ok")
        return Verdict(outcome=outcome, latency=latency, hang_seconds=dials.hang_seconds)

    def decide_notice(self, account: str, notice: str) -> Verdict:
        """The same for one notification: an outcome out of `NOTICES`; `latency` is how late it comes, in seconds."""
        dials = self.get(account, notice)
        applies = not dials.operations or notice in dials.operations
        thrown = _throw(dials, _NOTICE_RATES, self._dice_for(account, notice)) if applies else "ok"
        outcome = self._scripted(account, notice) or thrown
        late = dials.notify_late_ms / 1000 if outcome == "late" else 0.0
        return Verdict(outcome=outcome, latency=late, hang_seconds=0.0)

    def _outcomes(self, given: Mapping[str, Any], known: Mapping[str, str]) -> list[tuple[str, int]]:
        if "outcomes" in given:
            listed = given["outcomes"]
            if "outcome" in given or "times" in given or not isinstance(listed, list) or not 0 < len(listed) <= 1000:
                raise Rejected(422, "invalid_field", "Give a list of 1 to 1000 outcomes, alone", param="outcomes")
            return [(choice({"outcomes": each}, "outcomes", known), 1) for each in listed]
        outcome = choice(given, "outcome", known)
        return [(outcome, integer({"times": 1, **given}, "times", least=1, most=MAX_SCRIPT))]

    def _scripted(self, account: str, operation: str) -> str | None:
        for line in self._script:
            about_it = line.operation == operation or (not line.operation and operation not in self._notices)
            if line.account in (EVERYONE, account) and about_it:
                line.left -= 1
                if not line.left:
                    self._script.remove(line)
                return line.outcome
        return None

    def _dice_for(self, account: str, operation: str) -> random.Random:
        return self._dice.setdefault(self._key(account, operation), random.Random())

    def _apply(self, account: str, dials: Dials | None) -> None:
        self._settings.pop(account, None)
        self._dice.pop(account, None)
        if dials is not None:
            self._settings[account] = dials
            self._dice[account] = random.Random(dials.seed)

    def _read(self, given: Mapping[str, Any]) -> Dials:
        only(given, {field.name for field in fields(Dials)})
        read: dict[str, Any] = {}
        for name in given:
            if name in ("latency_ms", "jitter_ms", "settle_ms", "notify_late_ms"):
                read[name] = integer(given, name, least=0, most=600_000)
            elif name in _RATES or name in _NOTICE_RATES:
                read[name] = number(given, name, least=0, most=1)
            elif name == "hang_seconds":
                read[name] = number(given, name, least=0, most=3600)
            elif name == "seed":
                read[name] = None if given[name] is None else integer(given, name, least=0, most=2**53)
            elif name == "down":
                read[name] = _down(given)
            else:
                read[name] = self._operations(given)
        for rates in (_RATES, _NOTICE_RATES):
            if sum(read.get(name, 0) for name in rates) > 1 + 1e-9:
                raise Rejected(422, "invalid_field", "The rates add up to more than 1", param=next(iter(rates)))
        return Dials(**read)

    def _operations(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        listed = given["operations"]
        if not isinstance(listed, list):
            raise Rejected(422, "invalid_field", "Must be a list of operations", param="operations")
        return tuple(choice({"operations": each}, "operations", self.operations) for each in listed)


def _thrown(dials: Dials, dice: random.Random) -> str:
    return _DOWN[dials.down] if dials.down else _throw(dials, _RATES, dice)


def _throw(dials: Dials, rates: Mapping[str, str], dice: random.Random) -> str:
    throw = dice.random()
    for dial, outcome in rates.items():
        throw -= getattr(dials, dial)
        if throw < 0:
            return outcome
    return "ok"


def _down(given: Mapping[str, Any]) -> str:
    value = given["down"]
    if isinstance(value, bool):
        return "503" if value else ""
    return "" if value == "" else choice(given, "down", _DOWN)
