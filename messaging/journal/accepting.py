"""Accepting that the database does not have what the files of heads know: after a restored backup, or a deleted tenant.

A person decides it and says why. What is given up is written to the file of heads, where everyone who verifies sees it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.services import Actor, record
from messaging.journal import exporting
from messaging.journal.chains import Chain
from messaging.journal.heads import GivenUp, KnownChain
from messaging.journal.rows import last_segment, rows, schema_has_journal

_HASHES = "SELECT number, encode(hash, 'hex') FROM {segment} WHERE number = ANY(%s)"
_AT_A_TIME = 1_000


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """What is given up, and the segment with which the journal goes on (0: it is gone, or begins anew)."""

    given_up: tuple[GivenUp, ...]
    last: int


def plan(chain_id: UUID, known: KnownChain, *, reason: str) -> Acceptance:
    """What accepting would give up; changes nothing."""
    schema = known.schema_name
    there = Chain.objects.filter(id=chain_id, schema_name=schema).exists() and schema_has_journal(schema)
    last = last_segment(schema) if there else None
    lost = tuple(
        GivenUp(chain_id=chain_id, schema_name=schema, segment=number, hash=bytes.fromhex(hashed), reason=reason)
        for number, hashed in _lost(schema if there else None, known)
    )
    return Acceptance(given_up=lost, last=last.number if last else 0)


def accept(chain_id: UUID, known: KnownChain, *, reason: str, actor: Actor) -> Acceptance:
    """Give up what the database does not have, and let the journal go on from where it ends.

    Raises:
        UnableToSeal: the file of heads cannot be written; nothing was changed.
    """
    with transaction.atomic():
        chain = Chain.objects.select_for_update().filter(id=chain_id).first()
        accepted = plan(chain_id, known, reason=reason)
        if chain is not None and not schema_has_journal(chain.schema_name):
            chain.delete()
        elif chain is not None:
            chain.sealed_number = accepted.last
            chain.exported_number = min(chain.exported_number, accepted.last)
            chain.inserted_seen = None
            chain.save(update_fields=["sealed_number", "exported_number", "inserted_seen"])
        record(
            actor=actor,
            action="journal.accepted",
            subject_type="journal",
            subject_id=str(chain_id),
            reason=reason,
            details={"schema": known.schema_name, "given_up": len(accepted.given_up), "last_segment": accepted.last},
        )
        if accepted.given_up:
            exporting.record(accepted.given_up)
    return accepted


def _lost(schema: str | None, known: KnownChain) -> Iterator[tuple[int, str]]:
    numbers = sorted(known.hashes)
    for start in range(0, len(numbers), _AT_A_TIME):
        some = numbers[start : start + _AT_A_TIME]
        here: dict[int, str] = dict(rows(_HASHES, schema, [some])) if schema else {}
        for number in some:
            yield from ((number, hashed) for hashed in sorted(known.hashes[number]) if here.get(number) != hashed)
