"""Whether the triggers that keep the journal append-only (migration 0006) are there and switched on."""

from django.db import connection

GUARDS = frozenset(
    f"{table}_{guard}"
    for table in ("journal_message", "journal_trace", "journal_segment")
    for guard in ("keeps", "stays", "whole")
)
_ON = """
    SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND t.tgenabled IN ('O', 'A')
"""


def guards_missing(schema: str) -> list[str]:
    """The names of triggers that are missing or switched off in the schema."""
    with connection.cursor() as cursor:
        cursor.execute(_ON, [schema])
        return sorted(GUARDS - {row[0] for row in cursor.fetchall()})
