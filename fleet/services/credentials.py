"""Credentials of operators and unicorns: made once, shown once, kept as a hash."""

import hashlib
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models.functions import Now

from fleet.errors import InvalidCredential, NoSuchOperator
from fleet.models import Credential, Operator, Unicorn
from fleet.principal import Speaker
from wildrydes.kernel.errors import NotFound

_SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A new credential; the secret is known to nobody else and never shown again."""

    credential_id: UUID
    secret: str = field(repr=False)


def register_operator(*, code: str, name: str) -> Operator:
    """The operator with this code, made when it is not there."""
    operator, _ = Operator.objects.get_or_create(code=code, defaults={"name": name})
    return operator


def issue_credential(*, operator: str, unicorn: UUID | None = None) -> Issued:
    """A credential for the operator with this code, or for one of its unicorns, named by the operator's id.

    Raises:
        NoSuchOperator: there is none.
        NotFound: it has no such unicorn.
    """
    row = Operator.objects.filter(code=operator).first()
    if row is None:
        raise NoSuchOperator(f"There is no operator {operator}; register it first.")
    speaks_for = None
    if unicorn is not None:
        speaks_for = Unicorn.objects.filter(operator=row, operator_ref=unicorn).first()
        if speaks_for is None:
            raise NotFound(f"{row.name} has no unicorn {unicorn}.")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    made = Credential.objects.create(operator=row, unicorn=speaks_for, secret_hash=_hash(secret))
    return Issued(credential_id=made.id, secret=secret)


def revoke_credential(*, credential_id: UUID) -> bool:
    """Let it get no more tokens; those that are out live ten minutes at most. False when there is nothing to revoke."""
    return Credential.objects.filter(id=credential_id, revoked_at=None).update(revoked_at=Now()) > 0


def speaker_with(*, credential_id: UUID, secret: str) -> Speaker:
    """Who may speak with this credential.

    Raises:
        InvalidCredential: it is not known, not with this secret, or not any more.
    """
    found = Credential.objects.filter(id=credential_id, secret_hash=_hash(secret), revoked_at=None).first()
    if found is None:
        raise InvalidCredential("Check the credential and its secret; a revoked one is replaced by our support staff.")
    return Speaker(credential_id=found.id, operator_id=found.operator_id, unicorn_id=found.unicorn_id)


def _hash(secret: str) -> bytes:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
