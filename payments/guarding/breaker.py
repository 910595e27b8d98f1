"""A circuit breaker per account: pybreaker decides, Redis remembers for all workers.

Open, nothing is sent. Half open, one call of all workers' tries whether the provider is back. Times are Redis' own (keys that
expire), so that a machine whose clock is wrong neither opens for ever nor never.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import pybreaker
from django.conf import settings

from messaging.errors import OutcomeUnknown, PutBack, Retry
from payments import metrics
from payments.guarding.redis import shared
from payments.providers.base import Access, ProviderBusy

T = TypeVar("T")
_FORGET_SECONDS = 3600
# For a probe that neither ends nor fails: its worker died.
_PROBE_SLACK_SECONDS = 5.0
_SOON_SECONDS = 1.0


class BreakerOpen(PutBack):
    """The account's provider has failed time after time; nothing was sent."""


@dataclass
class _Memory:
    """What one process knows of one account while Redis is away."""

    state: str = pybreaker.STATE_CLOSED
    failures: int = 0
    open_until: float = 0.0
    probe_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_memories: dict[str, _Memory] = defaultdict(_Memory)


class _Storage(pybreaker.CircuitBreakerStorage):
    """Where pybreaker keeps an account's state: in Redis, and beside it in this process for when Redis is away."""

    def __init__(self, label: str) -> None:
        super().__init__("wildrydes")
        self._key = f"payments:breaker:{{{label}}}"
        self._memory = _memories[label]
        # Read once for the one call that this object serves; pybreaker asks several times.
        found = shared().ask(lambda redis: redis.mget(f"{self._key}:state", f"{self._key}:failures"))
        known = (self._memory.state, self._memory.failures) if found is None else found
        self._state = str(known[0] or pybreaker.STATE_CLOSED)
        self._had_failures = bool(int(known[1] or 0))

    @property
    def state(self) -> str:
        """Closed, open or half open."""
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = self._memory.state = state
        shared().ask(lambda redis: redis.set(f"{self._key}:state", state, ex=_FORGET_SECONDS))

    def increment_counter(self) -> None:
        """One more failure in a row."""
        self._memory.failures += 1
        self._had_failures = True

        def count(redis: object) -> None:
            redis.incr(f"{self._key}:failures")  # type: ignore[attr-defined]  # redis-py's client
            redis.expire(f"{self._key}:failures", _FORGET_SECONDS)  # type: ignore[attr-defined]

        shared().ask(count)

    def reset_counter(self) -> None:
        """The row is broken."""
        self._memory.failures = 0
        if not self._had_failures:
            return
        shared().ask(lambda redis: redis.delete(f"{self._key}:failures"))

    def increment_success_counter(self) -> None:
        """One success closes it: nothing to count."""

    def reset_success_counter(self) -> None:
        """Nothing to count."""

    @property
    def counter(self) -> int:
        """Failures in a row."""
        found = shared().ask(lambda redis: int(redis.get(f"{self._key}:failures") or 0))
        return self._memory.failures if found is None else found

    @property
    def success_counter(self) -> int:
        """One is enough."""
        return 1

    @property
    def opened_at(self) -> datetime | None:
        """Long enough ago: whoever asks pybreaker has looked at `seconds_open` first, which no clock can make wrong."""
        return None

    @opened_at.setter
    def opened_at(self, now: datetime) -> None:
        """It is opened now, whatever the clock says."""
        self._memory.open_until = time.monotonic() + _open_seconds()
        shared().ask(lambda redis: redis.set(f"{self._key}:open", "1", px=int(_open_seconds() * 1000)))

    def seconds_open(self) -> float:
        """How long it stays open; 0 when its time is over."""
        found = shared().ask(lambda redis: max(0, redis.pttl(f"{self._key}:open")) / 1000)
        return max(0.0, self._memory.open_until - time.monotonic()) if found is None else float(found)

    def take_probe(self) -> bool:
        """Whether this caller is the one that may try."""
        seconds = settings.PAYMENT_PROVIDER_TIMEOUT_SECONDS + _PROBE_SLACK_SECONDS
        name = f"{self._key}:probe"
        found = shared().ask(lambda redis: 1 if redis.set(name, "1", nx=True, px=int(seconds * 1000)) else 2)
        if found is not None:
            return found == 1
        with self._memory.lock:
            if self._memory.probe_until > time.monotonic():
                return False
            self._memory.probe_until = time.monotonic() + seconds
            return True

    def give_probe(self) -> None:
        """The try is over."""
        self._memory.probe_until = 0.0
        shared().ask(lambda redis: redis.delete(f"{self._key}:probe"))


class _Counting(pybreaker.CircuitBreakerListener):
    def __init__(self, provider: str) -> None:
        self._provider = provider

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """Count it."""
        metrics.count_breaker(self._provider, new_state.name)


def check_breaker(access: Access) -> None:
    """Refuse at once what would be refused anyway, before anything is committed.

    Raises:
        BreakerOpen: it is open.
    """
    storage = _Storage(access.label)
    if storage.state == pybreaker.STATE_OPEN:
        left = storage.seconds_open()
        if left > 0:
            raise _refusal(access, left)


def through_breaker(access: Access, call: Callable[[], T]) -> T:
    """What the call answers, unless the account's breaker is open.

    Raises:
        BreakerOpen: it is, or another worker is just trying whether the provider is back.
        Exception: whatever the call raises.
    """
    storage = _Storage(access.label)
    probing = storage.state != pybreaker.STATE_CLOSED
    if probing:
        left = storage.seconds_open()
        if left > 0:
            raise _refusal(access, left)
        if not storage.take_probe():
            raise _refusal(access, _SOON_SECONDS)
    # One for each call: pybreaker's own lock would let one call at a time through a shared one.
    breaker = pybreaker.CircuitBreaker(
        fail_max=settings.PAYMENT_BREAKER_FAILURES,
        reset_timeout=_open_seconds(),
        exclude=[_is_no_outage],
        listeners=[_Counting(access.provider)],
        state_storage=storage,
        throw_new_error_on_trip=False,
    )
    try:
        return breaker.call(call)
    except pybreaker.CircuitBreakerError as error:
        # It was opened by others in the same moment.
        raise _refusal(access, storage.seconds_open() or _SOON_SECONDS) from error
    finally:
        if probing:
            storage.give_probe()


def _is_no_outage(error: BaseException) -> bool:
    """A refusal, a busy provider and mistakes of our own say nothing about whether it is there."""
    return not isinstance(error, OutcomeUnknown | Retry) or isinstance(error, ProviderBusy)


def _refusal(access: Access, seconds: float) -> BreakerOpen:
    metrics.count_held(access.provider, "breaker")
    return BreakerOpen("The payment provider has failed time after time; it is tried again soon.", after=seconds)


def _open_seconds() -> float:
    return float(settings.PAYMENT_BREAKER_OPEN_SECONDS)
