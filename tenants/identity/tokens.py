"""Access tokens: JWTs (RFC 7519, in the profile of RFC 9068) that say who asks, for which tenant, and how much they may ask.

SimpleJWT's token class with a backend of our own: signed with the current key of `tenants.registry.keys`, verified with the
one that the token's header names, by that key's algorithm and no other, without touching the database.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import jwt
import msgspec
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken, TokenError
from rest_framework_simplejwt.tokens import AccessToken as StockAccessToken

from tenants.identity.models import User
from tenants.registry.directory import TenantRef, TierPolicy
from tenants.registry.keys import PublicKey, signing_key, verifying_key
from wildrydes.kernel.encryption import SealBroken, seal, unseal
from wildrydes.kernel.ids import new_id

LEEWAY = timedelta(seconds=5)
_LONGEST_LIFE = timedelta(minutes=10)
MAX_TOKEN_CHARACTERS = 8_000
_LONGEST_KID = 64
_MEDIA_TYPE = "at+jwt"  # RFC 9068, 2.1: no other kind of JWT passes for an access token
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z", re.ASCII)
_REQUIRED = ["iss", "aud", "sub", "tid", "jti", "iat", "nbf", "exp"]


class TenantClaim(msgspec.Struct, frozen=True):
    """The company, for people to read."""

    name: str
    slug: str


class Quota(msgspec.Struct, frozen=True):
    """How much the tenant may ask: requests per minute, and how many of them may come at once."""

    requests_per_minute: int
    burst: int


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True):
    """All claims of an access token, in their types. `confidential` is a JWE (RFC 7516) that only we can read."""

    token_type: Literal["access"]
    iss: str
    aud: str
    sub: UUID
    tid: UUID
    sid: UUID | None = None
    tenant: TenantClaim
    tier: str
    features: dict[str, bool]
    quota: Quota
    roles: Annotated[list[Literal["rider", "manager", "administrator"]], msgspec.Meta(min_length=1)]
    name: str
    jti: str
    iat: int
    nbf: int
    exp: int
    confidential: str


class _Header(msgspec.Struct, frozen=True):
    """What is read of a token's header before it is verified."""

    kid: str
    typ: str


@dataclass(frozen=True)
class Confidential:
    """What a token says that nobody but us may read."""

    email: str


class KeyRingBackend(TokenBackend):
    """Signs and verifies with the registry's keys in place of one configured key."""

    def __init__(self, *, audience: str | None = None, required: Sequence[str] = _REQUIRED) -> None:
        """Tokens for `audience`, that of the tenants' API unless named, with the claims that are `required`."""
        super().__init__(
            "EdDSA",  # of no consequence: each key brings its own
            audience=audience or settings.ACCESS_TOKEN_AUDIENCE,
            issuer=settings.ACCESS_TOKEN_ISSUER,
            leeway=LEEWAY,
        )
        self._required = list(required)

    def encode(self, payload: dict[str, Any]) -> str:
        """Sign with the current key and name it in the header.

        Raises:
            SigningUnavailable: when the key cannot be opened.
        """
        key = signing_key()
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        headers = {"kid": key.kid, "typ": _MEDIA_TYPE}
        return jwt.encode(claims, key.key, algorithm=key.algorithm, headers=headers)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims of a token that one of our keys signed and whose registered claims hold now.

        Raises:
            TokenBackendError: for everything else, whatever its bytes.
        """
        if not verify:
            raise TokenBackendError("Tokens are always verified.")
        key = _key_named_by(token)
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=self.audience,
                issuer=settings.ACCESS_TOKEN_ISSUER,
                leeway=LEEWAY,
                options={"require": self._required},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenBackendExpiredToken("The token has expired.") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenBackendError("The token is not valid.") from error


def _key_named_by(token: Any) -> PublicKey:
    """The key that the unverified header names; nothing else of the header decides anything."""
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARACTERS or not _COMPACT_JWS.match(token):
        raise TokenBackendError("The token is not a signed JWT in compact form.")
    encoded = token.partition(".")[0]
    try:
        header = msgspec.json.decode(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), type=_Header)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TokenBackendError("The token's header cannot be read.") from error
    key = verifying_key(header.kid) if len(header.kid) <= _LONGEST_KID and header.kid.isascii() else None
    if key is None or header.typ != _MEDIA_TYPE:
        raise TokenBackendError("The token was not signed with a key of ours.")
    return key


class AccessToken(StockAccessToken):
    """An access token of the product. `AccessToken(text)` verifies, `AccessToken.of(...)` makes one, `str(...)` signs it."""

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]  # the stock class reads its own settings at import
        """How long it is good for."""
        lifetime: timedelta = settings.ACCESS_TOKEN_LIFETIME
        return lifetime

    @property
    def token_backend(self) -> KeyRingBackend:
        """The registry's keys."""
        return KeyRingBackend()

    def verify(self) -> None:
        """Check the kind and the type of every claim, after the signature and the times.

        Raises:
            TokenError: when a claim is missing or of another type, or the token lives longer than any that we issue.
        """
        if self.claims.exp - self.claims.iat > _LONGEST_LIFE.total_seconds():
            raise TokenError("No access token lives that long.")

    @cached_property
    def claims(self) -> AccessClaims:
        """The verified claims.

        Raises:
            TokenError: when they are not an access token's.
        """
        try:
            return msgspec.convert(self.payload, AccessClaims)
        except msgspec.ValidationError as error:
            raise TokenError("The token's claims are not an access token's.") from error

    @classmethod
    def of(cls, user: User, tenant: TenantRef, *, session: UUID | None = None) -> Self:
        """A token for `user` of `tenant`, as both are now; `session` is the family of refresh tokens it came with."""
        token = cls()
        token["jti"] = str(new_id())
        token["nbf"] = token["iat"]
        token["sub"] = str(user.id)
        token["tid"] = str(tenant.id)
        if session is not None:
            token["sid"] = str(session)
        token["tenant"] = {"name": tenant.name, "slug": tenant.slug}
        token["tier"] = tenant.tier.code
        token["features"] = features_of(tenant)
        token["quota"] = msgspec.to_builtins(quota_of(tenant.tier))
        token["roles"] = [user.role]
        token["name"] = user.name
        token["confidential"] = seal(json.dumps({"email": user.email}), keys=settings.FIELD_ENCRYPTION_KEY)
        return token


def features_of(tenant: TenantRef) -> dict[str, bool]:
    """The tenant's feature flags; whatever else stands among them is none."""
    return {name: on for name, on in tenant.features.items() if isinstance(on, bool)}


def quota_of(tier: TierPolicy) -> Quota:
    """The tier's promise as a claim: a minute's requests may come all at once."""
    return Quota(requests_per_minute=tier.requests_per_minute, burst=tier.requests_per_minute)


def read_confidential(claims: AccessClaims) -> Confidential:
    """Decrypt the confidential claims.

    Raises:
        TokenError: when they were not encrypted by us.
    """
    try:
        return msgspec.json.decode(unseal(claims.confidential, keys=settings.FIELD_ENCRYPTION_KEY), type=Confidential)
    except (SealBroken, msgspec.MsgspecError) as error:
        raise TokenError("The token's confidential claims cannot be read.") from error
