"""Access tokens of the fleet: signed with the keys that sign tenants' tokens, but for the audience `fleet`.

Neither passes for the other: each API asks for its own audience. They are verified without the database.
"""

from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec
from rest_framework_simplejwt.exceptions import TokenBackendError

from fleet.principal import Speaker
from tenants.identity.tokens import KeyRingBackend
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.ids import new_id

AUDIENCE = "fleet"
LIFETIME = timedelta(minutes=10)
_REQUIRED = ("iss", "aud", "sub", "jti", "iat", "exp")


class InvalidFleetToken(Exception):
    """It was not issued by us, not for the fleet, or has expired."""


class _Claims(msgspec.Struct, frozen=True):
    token_type: Literal["fleet"]
    sub: UUID
    operator: UUID
    unicorn: UUID | None = None


def issue_token(speaker: Speaker) -> str:
    """A token for the speaker, good for ten minutes. Call it outside of transactions.

    Raises:
        SigningUnavailable: when our key cannot be opened.
    """
    now = int(utcnow().timestamp())
    claims = {
        "token_type": "fleet",
        "sub": str(speaker.credential_id),
        "operator": str(speaker.operator_id),
        "unicorn": None if speaker.unicorn_id is None else str(speaker.unicorn_id),
        "jti": str(new_id()),
        "iat": now,
        "exp": now + int(LIFETIME.total_seconds()),
    }
    return _backend().encode(claims)


def read_token(text: str) -> Speaker:
    """Who bears the token.

    Raises:
        InvalidFleetToken: it is not a fleet token of ours that holds now.
    """
    try:
        claims = msgspec.convert(_backend().decode(text), _Claims)
    except (TokenBackendError, msgspec.ValidationError) as error:
        raise InvalidFleetToken(str(error)) from error
    return Speaker(credential_id=claims.sub, operator_id=claims.operator, unicorn_id=claims.unicorn)


def _backend() -> KeyRingBackend:
    return KeyRingBackend(audience=AUDIENCE, required=_REQUIRED)
