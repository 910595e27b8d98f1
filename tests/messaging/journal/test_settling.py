"""Late commits: nothing slips in below what is called settled."""

import threading
import time

from messaging.journal.rows import last_segment
from messaging.journal.settling import last_position, settled_position
from tests.messaging.journal.conftest import execute, fill, seal

_INSERT = (
    "INSERT INTO {}.journal_message (id, kind, topic, version, payload, correlation_id)"
    " VALUES (gen_random_uuid(), 'event', 'late', 1, '{{}}', gen_random_uuid())"
)


def test_a_journal_without_messages_is_settled_at_nothing(db):
    execute("CREATE SCHEMA t_empty")
    execute("CREATE SEQUENCE t_empty.journal_message_position_seq")
    execute("CREATE TABLE t_empty.journal_message ()")
    assert settled_position("t_empty", wait_seconds=1) == 0


def test_a_transaction_that_commits_late_is_waited_for(committed, tenant, other_session):
    schema = tenant.schema_name
    other_session(_INSERT.format(schema))
    late = last_position(schema)
    fill(schema, 5)
    assert settled_position(schema, wait_seconds=0.05) is None

    threading.Timer(0.2, lambda: other_session("COMMIT")).start()
    assert settled_position(schema, wait_seconds=10) >= late + 5
    seal(schema)
    assert execute(f"SELECT count(*) FROM {schema}.journal_message WHERE position = {late}") == [(1,)]
    assert last_segment(schema).header.upto.position >= late + 5


def test_one_that_rolls_back_leaves_a_gap_that_is_sealed_over(committed, tenant, other_session):
    schema = tenant.schema_name
    seal(schema)
    other_session(_INSERT.format(schema))
    fill(schema, 2)
    other_session("ROLLBACK")
    assert seal(schema) == [2]


def test_a_savepoints_message_is_waited_for_too(committed, tenant, other_session):
    other_session("SAVEPOINT s")
    other_session(_INSERT.format(tenant.schema_name))
    other_session("RELEASE s")
    assert settled_position(tenant.schema_name, wait_seconds=0.05) is None


def test_a_long_transaction_elsewhere_holds_nobody_up(committed, tenant, other_tenant, other_session):
    other_session(_INSERT.format(other_tenant.schema_name))
    fill(tenant.schema_name, 3)
    started = time.monotonic()
    assert settled_position(tenant.schema_name, wait_seconds=5) is not None
    assert time.monotonic() - started < 1


def test_writers_that_came_later_are_not_waited_for(committed, tenant, other_session):
    """Else a busy tenant would never be sealed: only those who may hold a low position count."""
    schema = tenant.schema_name
    other_session(_INSERT.format(schema))

    def replace_the_writer():
        other_session("COMMIT")
        other_session(_INSERT.format(schema))

    threading.Timer(0.2, replace_the_writer).start()
    assert settled_position(schema, wait_seconds=10) is not None
