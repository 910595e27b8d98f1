"""Making, replacing and deleting signing keys.

A key is published before it signs, signs until its successor does, and verifies until the last token it signed has expired.
All changes are made under one advisory lock, by the database's clock.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from joserfc.jwk import OKPKey, RSAKey

from tenants.registry.models import SigningKey
from wildrydes.kernel.encryption import seal
from wildrydes.kernel.errors import ConfigurationError

JWKS_MAX_AGE = timedelta(minutes=5)
# Verifiers may hold a key set for JWKS_MAX_AGE, our own processes for half a minute; the rest is margin.
PUBLICATION_LEAD = 2 * JWKS_MAX_AGE
# How long after its retirement a key may still sign in a process that has not noticed, and clocks may differ.
_NOTICE = timedelta(minutes=1)
_MAX_PUBLISHED = 8
_LOCK = 0x57525F4B455953  # an arbitrary number of our own for pg_advisory_xact_lock: "WR_KEYS"
ALGORITHMS = ("EdDSA", "RS256")


class UnableToRotate(ConfigurationError):
    """The keys are in a state in which another rotation would be a mistake."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What a rotation did: the new key signs from `signs_from`; the others verify until `verified_until` (None: no more)."""

    kid: str
    signs_from: datetime
    verified_until: datetime | None


def _lock_and_look() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def _generate(algorithm: str) -> tuple[str, dict[str, Any], str]:
    """A new key as (id, public JWK, sealed private JWK); the id is the thumbprint (RFC 7638)."""
    if algorithm not in ALGORITHMS:
        raise ConfigurationError(f"ACCESS_TOKEN_ALGORITHM must be one of {', '.join(ALGORITHMS)}, not {algorithm!r}.")
    key = OKPKey.generate_key("Ed25519") if algorithm == "EdDSA" else RSAKey.generate_key(3072)
    kid = key.thumbprint()
    named = {"kid": kid, "use": "sig", "alg": algorithm}
    public = {**key.as_dict(private=False), **named}
    private = {**key.as_dict(private=True), **named}
    return kid, public, seal(json.dumps(private), keys=settings.FIELD_ENCRYPTION_KEY)


def _create(not_before: datetime) -> SigningKey:
    algorithm = settings.ACCESS_TOKEN_ALGORITHM
    kid, public, sealed = _generate(algorithm)
    return SigningKey.objects.create(
        kid=kid, algorithm=algorithm, public_jwk=public, private_sealed=sealed, not_before=not_before
    )


def ensure_signing_key() -> None:
    """Make the first key if there is none that signs; any number of processes may call this at once.

    The key must be committed before it signs, so this opens a transaction of its own and refuses to run inside another.
    """
    with transaction.atomic(durable=True):
        now = _lock_and_look()
        signing = SigningKey.objects.filter(Q(retires_at=None) | Q(retires_at__gt=now), not_before__lte=now)
        if not signing.exists():
            _create(not_before=now)


def rotate(*, at_once: bool = False, compromised: bool = False) -> Rotation:
    """Publish a new key that signs after `PUBLICATION_LEAD`, or `at_once`; a published successor then takes over early.

    `compromised` also ends the verification of all others, and with it every access token in circulation.

    Raises:
        UnableToRotate: when a rotation is under way, or too many keys are published.
    """
    with transaction.atomic(durable=True):
        now = _lock_and_look()
        live = list(SigningKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now)).order_by("not_before"))
        waiting = [key for key in live if key.not_before > now]
        at_once = at_once or compromised or len(live) == len(waiting)
        if waiting and not at_once:
            raise UnableToRotate(
                f"Key {waiting[0].kid} is published and signs from {waiting[0].not_before:%Y-%m-%d %H:%M:%S} UTC; "
                "wait for it, or let it sign at once with --now."
            )
        if len(live) >= _MAX_PUBLISHED and not waiting and not compromised:
            raise UnableToRotate(
                f"{len(live)} keys are published already; wait until the old ones' tokens have expired, "
                f"at {min(key.expires_at for key in live if key.expires_at):%Y-%m-%d %H:%M:%S} UTC."
            )
        signs_from = now if at_once else now + PUBLICATION_LEAD
        successor = waiting[0] if waiting and not compromised else _create(not_before=signs_from)
        SigningKey.objects.filter(pk=successor.pk).update(not_before=signs_from)
        others = [key for key in live if key.pk != successor.pk]
        if compromised:
            SigningKey.objects.filter(pk__in=[key.pk for key in others]).update(retires_at=now, expires_at=now)
        until = None if compromised else _retire(others, signs_from)
    return Rotation(kid=successor.kid, signs_from=signs_from, verified_until=until)


def _retire(keys: Iterable[SigningKey], when: datetime) -> datetime | None:
    """Let those that still sign do so until `when`; answers until when the last of them verifies."""
    expires = when + settings.ACCESS_TOKEN_LIFETIME + _NOTICE
    signing = [key.pk for key in keys if key.retires_at is None or key.retires_at > when]
    SigningKey.objects.filter(pk__in=signing).update(retires_at=when, expires_at=expires)
    return expires if signing else None


def delete_expired_keys() -> int:
    """Delete the keys that verify nothing any more; answers how many. A scheduled job."""
    deleted, _ = SigningKey.objects.filter(expires_at__lt=Now()).delete()
    return deleted
