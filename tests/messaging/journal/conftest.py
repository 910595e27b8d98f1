"""Journals with many messages, sealed and looked at as the scheduled jobs do."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from messaging.journal.chains import Chain
from messaging.journal.directory import DueChain, meet_new_schemas
from messaging.journal.exporting import export_heads
from messaging.journal.sealing import seal_chain
from tenants.registry.directory import TenantRef

_FILL = """
    INSERT INTO {schema}.journal_message (id, kind, topic, version, payload, correlation_id, causation_id, occurred_at)
    SELECT gen_random_uuid(), 'event', 'sample.filled', 1, jsonb_build_object('number', i, 'price', 1.10, 'note', 'ünïcörn'),
           gen_random_uuid(), CASE WHEN i %% 2 = 0 THEN gen_random_uuid() END, clock_timestamp() - make_interval(days => %s)
      FROM generate_series(1, %s) AS i
"""


def execute(statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def fill(schema: str, count: int, *, days_ago: int = 0) -> None:
    execute(_FILL.format(schema=schema), [days_ago, count])


def due(schema: str) -> DueChain:
    meet_new_schemas()
    chain = Chain.objects.get(schema_name=schema)
    return DueChain(id=chain.id, schema_name=schema, inserted=None)


def seal(schema: str, *, size: int = 10) -> list[int]:
    """Seal all that is settled; answers the sizes of the segments."""
    counts, complete = seal_chain(due(schema), until=time.monotonic() + 60, segment_size=size)
    assert complete
    return counts


@pytest.fixture
def heads_file(tmp_path: Path, settings: Any) -> Path:
    settings.JOURNAL = {**settings.JOURNAL, "HEADS_FILE": str(tmp_path / "outside" / "heads.jsonl")}
    return tmp_path / "outside" / "heads.jsonl"


@pytest.fixture
def sealed(tenant: TenantRef, heads_file: Path) -> Callable[..., str]:
    """Fill acme's journal, seal it in small segments, write the heads outside; answers the schema."""

    def make(count: int = 35, *, size: int = 10, days_ago: int = 0) -> str:
        seal(tenant.schema_name)
        fill(tenant.schema_name, count, days_ago=days_ago)
        seal(tenant.schema_name, size=size)
        export_heads()
        return tenant.schema_name

    return make


@pytest.fixture
def other_session(committed: None) -> Iterator[Callable[[str], Any]]:
    """A second connection, to be in the way of the first."""
    with connection.cursor():
        usual = connection.connection
    with psycopg.connect(usual.info.dsn, password=usual.info.password or None) as session:
        yield session.execute
        session.rollback()


def new_message(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "event",
        "topic": "sample.thing",
        "version": 1,
        "payload": {},
        "correlation_id": uuid.uuid4(),
        **fields,
    }
