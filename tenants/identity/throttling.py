"""Slows down guessing of passwords, without letting anybody lock somebody else out.

Three windows, counted before the hasher runs (so that simultaneous guesses are counted too):

- `address`: all attempts from one network at one tenant;
- `stranger`: attempts at one account from networks that have never logged in to it, all together;
- `familiar`: attempts at one account from one network that has.

An attacker can use up the second; the account's owner, on a network they have used before, has the third to themselves.
Counted in Redis; while it is away, in each process by itself.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tenants.identity.errors import TooManyLogins
from wildrydes.kernel.addresses import client_network
from wildrydes.kernel.redis_urls import client_url

_FAMILIAR_SECONDS = 90 * 24 * 3600
_REDIS_TIMEOUT_SECONDS = 0.1
_REDIS_REST_SECONDS = 2.0
_log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class LoginAttempt:
    """An admitted attempt: what to forget, and whom to remember, when it succeeds."""

    window: str
    account: str
    network: str


class _Store:
    """One place where attempts are counted."""

    def __init__(self, storage: RedisStorage | MemoryStorage) -> None:
        self.storage = storage
        self.limiter = MovingWindowRateLimiter(storage)

    def admit(self, item: RateLimitItem, *key: str) -> float:
        """Count an attempt; 0 when it is admitted, else in how many seconds the next one is."""
        if self.limiter.hit(item, *key):
            return 0.0
        return max(1.0, self.limiter.get_window_stats(item, *key).reset_time - time.time())


class _Counting:
    """Redis, or this process's memory for a moment after Redis failed."""

    def __init__(self, redis_url: str) -> None:
        self._memory = _Store(MemoryStorage())
        self._redis: _Store | None = None
        self._redis_url = redis_url
        self._rest_until = 0.0
        self._lock = threading.Lock()

    def run(self, work: Callable[[_Store], T]) -> T:
        """Do `work` where attempts are counted now."""
        if time.monotonic() >= self._rest_until:
            try:
                return work(self._connected())
            except (RedisError, OSError) as error:
                self._rest_until = time.monotonic() + _REDIS_REST_SECONDS
                _log.warning("login_throttle.in_process", error=type(error).__name__)
        return work(self._memory)

    def _connected(self) -> _Store:
        with self._lock:
            if self._redis is None:
                options: dict[str, Any] = {
                    "socket_timeout": _REDIS_TIMEOUT_SECONDS,
                    "socket_connect_timeout": _REDIS_TIMEOUT_SECONDS,
                    "retry": Retry(NoBackoff(), 0),
                }
                self._redis = _Store(RedisStorage(self._redis_url, key_prefix="logins", **options))
        return self._redis


@lru_cache(maxsize=4)
def _counting(redis_url: str) -> _Counting:
    url = client_url(redis_url)
    return _Counting(url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url)


def _here() -> _Counting:
    return _counting(settings.REDIS_URL)


def admit_login(*, tenant_id: UUID, email: str, address: str) -> LoginAttempt:
    """Count an attempt to log in and let it pass.

    Raises:
        TooManyLogins: with the time until the next one is admitted.
    """
    limits = {name: parse(text) for name, text in settings.LOGIN_THROTTLE.items()}
    account = hashlib.sha256(f"{tenant_id}\0{email}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    network = client_network(address)

    def count(store: _Store) -> tuple[str, float]:
        wait = store.admit(limits["address"], "address", str(tenant_id), network)
        if wait:
            return "address", wait
        if store.storage.get(_familiar(account, network)):
            return "familiar", store.admit(limits["familiar"], "familiar", account, network)
        return "stranger", store.admit(limits["stranger"], "stranger", account)

    window, wait = _here().run(count)
    if wait:
        _log.info("login.throttled", window=window, wait_seconds=round(wait))
        raise TooManyLogins("Wait, then try again with the right password.", retry_after=wait)
    return LoginAttempt(window, account, network)


def login_succeeded(attempt: LoginAttempt) -> None:
    """Forget the account's attempts and remember the network as one that its owner uses."""
    item = parse(settings.LOGIN_THROTTLE[attempt.window])
    key = (attempt.account, attempt.network) if attempt.window == "familiar" else (attempt.account,)

    def forget(store: _Store) -> None:
        store.limiter.clear(item, attempt.window, *key)
        if attempt.window == "stranger":
            store.storage.incr(_familiar(attempt.account, attempt.network), _FAMILIAR_SECONDS)

    _here().run(forget)


def _familiar(account: str, network: str) -> str:
    return f"familiar/{account}/{network}"
