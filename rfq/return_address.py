"""The return address that a unicorn answers to: an encrypted token (AEAD) that tells it nothing.

Inside: tenant, request, unicorn and expiry. Every token has the same length, so that not even that says anything; the same
request gives another one each time it is written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from django.conf import settings

from rfq.errors import ForgedReturnAddress
from wildrydes.kernel.encryption import SealBroken, seal, unseal

MAX_CHARACTERS = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnAddress:
    """Whose answer goes where, and until when the address is known (whole seconds since 1970)."""

    tenant_id: UUID
    rfq_id: UUID
    unicorn_id: UUID
    expires: int


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    # What else is sealed with the same key must not pass for an address.
    use: Literal["rfq.answer"]
    tenant: UUID
    rfq: UUID
    unicorn: UUID
    expires: int


def write_address(*, tenant_id: UUID, rfq_id: UUID, unicorn_id: UUID, expires_at: datetime) -> str:
    """The token for one unicorn's answer to one request."""
    inside = _Sealed("rfq.answer", tenant_id, rfq_id, unicorn_id, int(expires_at.timestamp()))
    return seal(msgspec.json.encode(inside).decode(), keys=settings.FIELD_ENCRYPTION_KEY)


def read_address(token: str) -> ReturnAddress:
    """What the token says.

    Raises:
        ForgedReturnAddress: we did not write it, or it was changed.
    """
    try:
        if len(token) > MAX_CHARACTERS:
            raise SealBroken("too long")  # noqa: TRY301  # one answer for whatever is wrong with it
        inside = msgspec.json.decode(unseal(token, keys=settings.FIELD_ENCRYPTION_KEY), type=_Sealed)
    except (SealBroken, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ForgedReturnAddress("Send `reply_to` back exactly as it came with the request.") from error
    return ReturnAddress(tenant_id=inside.tenant, rfq_id=inside.rfq, unicorn_id=inside.unicorn, expires=inside.expires)
