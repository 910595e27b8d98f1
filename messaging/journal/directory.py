"""Which journals have something to seal: known without visiting one.

PostgreSQL counts the rows inserted into each table in shared memory. One statement compares these counts with those of the
last visit, so thousands of idle tenants cost one look-up each. The counts are a hint: they come up to ten seconds late and are
forgotten in a crash (which makes every journal look changed once). Each chain is visited every few hours in any case.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models.functions import Coalesce, Now

from messaging.journal.chains import Chain

_LOOK_ANYWAY_AFTER = timedelta(hours=6)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class DueChain:
    """A chain to be looked at; `inserted` is the count that goes with this look."""

    id: UUID
    schema_name: str
    inserted: int | None


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


def remember_sealed(due: DueChain, *, complete: bool) -> None:
    """Note the look: a chain whose end was reached rests until its count changes; another is due again at once."""
    chain = Chain.objects.filter(id=due.id)
    if complete:
        chain.update(inserted_seen=due.inserted, look_at=Now() + _LOOK_ANYWAY_AFTER, behind_since=None)
    else:
        chain.update(behind_since=Coalesce("behind_since", Now()), inserted_seen=None)
