"""The keys that sign access tokens: kept sealed in `public`, published as a JWK set, replaced with overlap."""

from tenants.registry.keys.ring import (
    RING_TTL_SECONDS,
    PrivateKey,
    PublicKey,
    SigningUnavailable,
    forget_keys,
    published_keys,
    signing_key,
    verifying_key,
)
from tenants.registry.keys.rotation import (
    JWKS_MAX_AGE,
    Rotation,
    UnableToRotate,
    delete_expired_keys,
    ensure_signing_key,
    rotate,
)

__all__ = [
    "JWKS_MAX_AGE",
    "RING_TTL_SECONDS",
    "PrivateKey",
    "PublicKey",
    "Rotation",
    "SigningUnavailable",
    "UnableToRotate",
    "delete_expired_keys",
    "ensure_signing_key",
    "forget_keys",
    "published_keys",
    "rotate",
    "signing_key",
    "verifying_key",
]
