"""The rules of refresh tokens and secrets, without a database."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

# A client that never saw the answer to its refresh may ask again this long after its first use.
REUSE_GRACE = timedelta(seconds=10)
_SECRET_BYTES = 32


class Verdict(Enum):
    """What the use of a refresh token leads to."""

    ROTATE = "the token is used and gets a successor"
    REPLACE = "its unused successor is replaced by a new one"
    REFUSE = "it is not valid; nothing changes"
    REVOKE = "it was used before: somebody has a copy, and the whole family ends"


@dataclass(frozen=True, kw_only=True)
class TokenState:
    """What is known about a refresh token when it is presented, under its family's lock.

    `used_for` is the time since its first use (None: unused). `successor_used` says whether the successor that took its
    place was used in turn.
    """

    family_is_revoked: bool
    has_expired: bool
    was_replaced: bool
    used_for: timedelta | None
    successor_used: bool


def judge(state: TokenState) -> Verdict:
    """The rule of rotation: at no time are there two valid successors, and a copied token ends its family."""
    if state.family_is_revoked or state.has_expired or state.was_replaced:
        return Verdict.REFUSE
    if state.used_for is None:
        return Verdict.ROTATE
    if state.used_for <= REUSE_GRACE and not state.successor_used:
        return Verdict.REPLACE
    return Verdict.REVOKE


def new_secret(prefix: str) -> str:
    """A secret of 256 random bits in URL-safe letters; the prefix tells people and secret scanners what it is."""
    return f"{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def secret_hash(secret: str) -> bytes:
    """What is stored of a secret. It is random, so one round of SHA-256 is enough; any text may be asked about."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
