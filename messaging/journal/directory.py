"""Which journals have something to seal: known without visiting one.

PostgreSQL counts the rows inserted into each table in shared memory. One statement compares these counts with those of the
last visit, so thousands of idle tenants cost one look-up each. The counts are a hint: they come up to ten seconds late and are
forgotten in a crash (which makes every journal look changed once). Each chain is visited every few hours in any case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

_LOOK_ANYWAY_AFTER_HOURS = 6
_ROUND = 2_000

# A schema whose tenant has another id now is another journal: the old one went with its schema.
_FORGET = """
    DELETE FROM messaging_chain c USING registry_tenant t WHERE t.schema_name = c.schema_name AND t.id <> c.id
"""
_MEET_TENANTS = """
    INSERT INTO messaging_chain (id, schema_name, sealed_number, exported_number)
    SELECT t.id, t.schema_name, 0, 0 FROM registry_tenant t
     WHERE NOT EXISTS (SELECT FROM messaging_chain c WHERE c.id = t.id)
    ON CONFLICT DO NOTHING
"""
_MEET_PUBLIC = """
    INSERT INTO messaging_chain (id, schema_name, sealed_number, exported_number)
    SELECT gen_random_uuid(), 'public', 0, 0 WHERE NOT EXISTS (SELECT FROM messaging_chain WHERE schema_name = 'public')
    ON CONFLICT DO NOTHING
"""
# Only schemas that have the table of segments: others wait for their migration.
_TO_SEAL = """
    SELECT c.id, c.schema_name, pg_stat_get_tuples_inserted(k.oid)
      FROM messaging_chain c
      JOIN pg_namespace n ON n.nspname = c.schema_name
      JOIN pg_class k ON k.relnamespace = n.oid AND k.relname = 'journal_message'
      JOIN pg_class s ON s.relnamespace = n.oid AND s.relname = 'journal_segment'
     WHERE c.look_at <= clock_timestamp() OR c.inserted_seen IS DISTINCT FROM pg_stat_get_tuples_inserted(k.oid)
     ORDER BY c.look_at
     LIMIT %s
"""
_REMEMBER = """
    UPDATE messaging_chain c
       SET inserted_seen = seen.inserted,
           look_at = CASE WHEN seen.complete THEN clock_timestamp() + make_interval(hours => %(rest)s) ELSE c.look_at END,
           behind_since = CASE WHEN seen.complete THEN NULL ELSE coalesce(c.behind_since, clock_timestamp()) END
      FROM unnest(%(ids)s::uuid[], %(inserted)s::bigint[], %(complete)s::boolean[]) AS seen (id, inserted, complete)
     WHERE c.id = seen.id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DueChain:
    """A chain to be looked at; `inserted` is the count that goes with this look."""

    id: UUID
    schema_name: str
    inserted: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """A visit that was made: a chain whose end was reached rests until its count changes, another is due again at once."""

    due: DueChain
    complete: bool


def meet_new_schemas() -> None:
    """Give every schema with a journal its row."""
    with connection.cursor() as cursor:
        for statement in (_FORGET, _MEET_TENANTS, _MEET_PUBLIC):
            cursor.execute(statement)


def chains_to_seal() -> list[DueChain]:
    """The chains that may have something to seal, those longest unseen first."""
    meet_new_schemas()
    with connection.cursor() as cursor:
        cursor.execute(_TO_SEAL, [_ROUND])
        return [DueChain(id=row[0], schema_name=row[1], inserted=row[2]) for row in cursor.fetchall()]


def remember_looks(looks: Sequence[Look]) -> None:
    """Note the looks in one statement. Losing them in a crash costs another look."""
    with connection.cursor() as cursor:
        cursor.execute(
            _REMEMBER,
            {
                "ids": [look.due.id for look in looks],
                "inserted": [look.due.inserted if look.complete else None for look in looks],
                "complete": [look.complete for look in looks],
                "rest": _LOOK_ANYWAY_AFTER_HOURS,
            },
        )
