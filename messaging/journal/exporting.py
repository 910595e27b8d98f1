"""Taking heads out of the database: to the file of heads, and to the log.

A head is written after its segment is committed and marked as written after the disk has it. Whatever fails in between is done
again: the same line twice says the same.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F

from messaging.journal.chains import Chain
from messaging.journal.errors import UnableToSeal
from messaging.journal.heads import Entry, Head, append
from messaging.journal.rows import segments_after

_log = structlog.get_logger(__name__)
_HEADS_AT_A_TIME = 500
_EXPORTED = """
    UPDATE messaging_chain c SET exported_number = greatest(c.exported_number, written.number)
      FROM unnest(%s::uuid[], %s::bigint[]) AS written (id, number) WHERE c.id = written.id
"""


def heads_file() -> Path:
    """Where heads are written on this machine."""
    return Path(settings.JOURNAL["HEADS_FILE"])


def export_heads() -> int:
    """Write the heads that are not outside yet; answers how many.

    Raises:
        UnableToSeal: the file cannot be written. Nothing is lost: the next round tries again.
    """
    written = 0
    heads: list[Head] = []
    for chain in Chain.objects.filter(sealed_number__gt=F("exported_number")).order_by("id"):
        try:
            heads += _heads_of(chain)
        except DatabaseError as error:
            # Its schema is being migrated, or is gone.
            _log.warning("journal.passed_over", schema=chain.schema_name, error=type(error.__cause__ or error).__name__)
        if len(heads) >= _HEADS_AT_A_TIME:
            written += _write(heads)
            heads = []
    return written + (_write(heads) if heads else 0)


def record(entries: Sequence[Entry]) -> None:
    """Write lines to the file of heads.

    Raises:
        UnableToSeal: it cannot be written.
    """
    path = heads_file()
    try:
        append(path, entries, environment=settings.ENVIRONMENT, database=database_name())
    except OSError as error:
        _log.error("journal.heads_not_written", path=str(path), error=str(error), waiting=len(entries))
        raise UnableToSeal(f"{path} cannot be written ({error}): {len(entries)} heads wait in the database.") from error


@cache
def database_name() -> str:
    """Which database this is: its cluster's identifier, where we may read it, and its name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'execute')")
        allowed = cursor.fetchone()[0]
        cursor.execute(
            "SELECT (SELECT system_identifier::text FROM pg_control_system()) || '/' || current_database()"
            if allowed
            else "SELECT current_database()::text"
        )
        return str(cursor.fetchone()[0])


def _heads_of(chain: Chain) -> list[Head]:
    return [
        Head(
            chain_id=chain.id,
            schema_name=chain.schema_name,
            segment=segment.number,
            hash=segment.hash,
            count=segment.header.count,
            sealed_at=segment.header.sealed_at,
        )
        for segment in segments_after(chain.schema_name, chain.exported_number, limit=_HEADS_AT_A_TIME)
    ]


def _write(heads: list[Head]) -> int:
    record(heads)
    newest: dict[UUID, int] = {}
    for head in heads:
        _log.info(
            "journal.sealed", schema=head.schema_name, segment=head.segment, count=head.count, hash=head.hash.hex()
        )
        newest[head.chain_id] = head.segment
    with connection.cursor() as cursor:
        cursor.execute(_EXPORTED, [list(newest), list(newest.values())])
    return len(heads)
