"""The keys as each process knows them: loaded from `public`, remembered for a short time.

Signing and verifying need no query while the memory is fresh. A key id that nobody knows makes the process look again, at
most once a second, so that a new key is accepted at once and a flood of invented ids costs next to nothing.
"""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.db.models.functions import Now
from jwt import PyJWK

from tenants.registry.keys.rotation import ensure_signing_key
from tenants.registry.models import SigningKey
from wildrydes.kernel.encryption import SealBroken, unseal
from wildrydes.kernel.errors import OverloadedError

RING_TTL_SECONDS = 30.0
_RELOAD_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class SigningUnavailable(OverloadedError):
    """The signing key cannot be opened with the configured `FIELD_ENCRYPTION_KEY`: an operator's matter, told in the log."""

    code = "signing-unavailable"
    title = "No tokens can be issued at the moment"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What verifies a token: the one algorithm that is accepted with this key, and the key."""

    kid: str
    algorithm: str
    key: Any


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What signs a token."""

    kid: str
    algorithm: str
    key: Any


class _Ring:
    """The unexpired keys at one moment, and the database's clock as it runs on from then."""

    def __init__(self, rows: Sequence[SigningKey], database_now: datetime | None) -> None:
        self._rows = rows
        self._loaded_at = time.monotonic()
        self._database_now = database_now
        self._public = {
            row.kid: PublicKey(row.kid, row.algorithm, PyJWK.from_dict(row.public_jwk, row.algorithm).key)
            for row in rows
        }
        self._private: dict[str, PrivateKey] = {}

    @property
    def age(self) -> float:
        return time.monotonic() - self._loaded_at

    def _current(self) -> list[SigningKey]:
        if self._database_now is None:
            return []
        now = self._database_now + timedelta(seconds=self.age)
        return [row for row in self._rows if row.expires_at is None or row.expires_at > now]

    def jwks(self) -> list[dict[str, Any]]:
        return [row.public_jwk for row in self._current()]

    def verifying(self, kid: str) -> PublicKey | None:
        return self._public[kid] if any(row.kid == kid for row in self._current()) else None

    def signing(self) -> PrivateKey | None:
        if self._database_now is None:
            return None
        now = self._database_now + timedelta(seconds=self.age)
        able = [row for row in self._rows if row.not_before <= now and (row.retires_at is None or row.retires_at > now)]
        if not able:
            return None
        newest = max(able, key=lambda row: (row.not_before, row.kid))
        if newest.kid not in self._private:
            self._private[newest.kid] = _open(newest)
        return self._private[newest.kid]


def _open(row: SigningKey) -> PrivateKey:
    try:
        jwk = json.loads(unseal(row.private_sealed, keys=settings.FIELD_ENCRYPTION_KEY))
    except SealBroken as error:
        _log.error("signing_key.sealed", kid=row.kid, remedy="restore the old FIELD_ENCRYPTION_KEY beside the new one")
        raise SigningUnavailable("Please try again in a minute.", retry_after=60) from error
    return PrivateKey(row.kid, row.algorithm, PyJWK.from_dict(jwk, row.algorithm).key)


def _load() -> _Ring:
    unexpired = SigningKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=Now()))
    rows = list(unexpired.annotate(database_now=Now()))
    return _Ring(rows, rows[0].database_now if rows else None)


class _Remembered:
    """The process's one ring. While one thread loads a new one, the others go on with the old."""

    def __init__(self) -> None:
        self._ring: _Ring | None = None
        self._loading = threading.Lock()

    def get(self, *, max_age: float = RING_TTL_SECONDS) -> _Ring:
        ring = self._ring
        if ring is not None and ring.age < max_age:
            return ring
        if not self._loading.acquire(blocking=ring is None):
            return ring or self.get(max_age=max_age)
        try:
            if self._ring is None or self._ring.age >= max_age:
                self._ring = self._load_or_keep(self._ring)
            return self._ring
        finally:
            self._loading.release()

    @staticmethod
    def _load_or_keep(ring: _Ring | None) -> _Ring:
        try:
            return _load()
        except (OperationalError, InterfaceError):
            if ring is None:
                raise
            _log.warning("signing_keys.kept", reason="the database does not answer", age_seconds=round(ring.age))
            return ring

    def forget(self) -> None:
        self._ring = None


_remembered = _Remembered()


def forget_keys() -> None:
    """Drop this process's memory, after a change it made itself; other processes notice within `RING_TTL_SECONDS`."""
    _remembered.forget()


def verifying_key(kid: str) -> PublicKey | None:
    """The published key with this id, or None. Costs no query unless the id is unknown or the memory old."""
    key = _remembered.get().verifying(kid)
    return key if key is not None else _remembered.get(max_age=_RELOAD_SECONDS).verifying(kid)


def signing_key() -> PrivateKey:
    """The key that signs now; the very first one is made on demand. Call it outside of transactions.

    Raises:
        SigningUnavailable: when its private part cannot be opened.
    """
    key = _remembered.get().signing()
    if key is None:
        ensure_signing_key()
        forget_keys()
        key = _remembered.get().signing()
    if key is None:
        raise SigningUnavailable("Please try again in a moment.", retry_after=1)
    return key


def published_keys() -> list[dict[str, Any]]:
    """The public parts of all keys that sign, have signed or will sign soon, as JWKs (RFC 7517)."""
    keys = _remembered.get().jwks()
    if not keys:
        signing_key()
        keys = _remembered.get().jwks()
    return keys
