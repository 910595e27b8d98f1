"""Writing the audit trail, in the transaction of what it tells of."""

import os
import pwd
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from uuid import UUID

from django.db import connection

from audit.models import ActorKind, Entry

Details = Mapping[str, str | int | bool | None]

_ACTION = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
# PostgreSQL stores neither NUL nor lone surrogates; what steers a terminal has no place in a record.
_UNUSABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_LONGEST_TEXT = 500


class NotInTransaction(RuntimeError):
    """An act and its entry commit together, or neither does."""


class _User(Protocol):
    """What of a user is written down."""

    pk: Any

    def get_username(self) -> str:
        """The name they log in with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who acts. Make one with `of_user`, `command` or `system`."""

    kind: ActorKind
    id: str
    name: str

    @classmethod
    def of_user(cls, user: _User) -> Self:
        """A member of staff who is logged in."""
        return cls(kind=ActorKind.STAFF, id=str(user.pk), name=user.get_username())

    @classmethod
    def command(cls) -> Self:
        """Whoever runs the command, as the operating system knows them; what the environment says could be anybody's claim."""
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container's user may have a number only
            name = f"uid {os.getuid()}"
        return cls(kind=ActorKind.COMMAND, id=name[:64], name=name)

    @classmethod
    def system(cls, name: str) -> Self:
        """A job or a process that acts by itself."""
        return cls(kind=ActorKind.SYSTEM, id=name[:64], name=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """What was done to one subject; see the fields of `Entry`."""

    action: str
    subject_type: str
    subject_id: str
    tenant_id: UUID | None = None
    reason: str = ""
    details: Details = field(default_factory=dict)


def record(
    *,
    actor: Actor,
    action: str,
    subject_type: str,
    subject_id: str,
    tenant_id: UUID | None = None,
    reason: str = "",
    details: Details | None = None,
) -> None:
    """Write one entry. `action` is `area.verb`; `details` are facts without anything of a tenant's messages.

    Raises:
        NotInTransaction: outside of `transaction.atomic()`.
        ValueError: `action` is not of that form.
    """
    act = Act(
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        tenant_id=tenant_id,
        reason=reason,
        details=details or {},
    )
    record_all([act], actor=actor)


def record_all(acts: Iterable[Act], *, actor: Actor) -> None:
    """Write one entry for each act, in one statement.

    Raises:
        NotInTransaction, ValueError: as for `record`.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("An audit entry belongs in the transaction of what it tells of.")
    Entry.objects.bulk_create([_entry(act, actor) for act in acts])


def _entry(act: Act, actor: Actor) -> Entry:
    if not _ACTION.fullmatch(act.action):
        raise ValueError(f"An action is area.verb, and {act.action!r} is not.")
    return Entry(
        actor_kind=actor.kind,
        actor_id=_storable(actor.id)[:64],
        actor_name=_storable(actor.name)[:254],
        action=act.action,
        subject_type=act.subject_type,
        subject_id=_storable(act.subject_id)[:64],
        tenant_id=act.tenant_id,
        reason=_storable(act.reason)[:_LONGEST_TEXT],
        details={name: _storable(v) if isinstance(v, str) else v for name, v in act.details.items()},
    )


def _storable(text: str) -> str:
    return _UNUSABLE.sub("?", text)[:_LONGEST_TEXT]
