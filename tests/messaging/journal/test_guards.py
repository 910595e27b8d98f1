"""The database keeps the journal as it was written, whatever the code does."""

import pytest
from django.db import IntegrityError, connection, transaction

from messaging.journal.models import Message, Trace
from messaging.services import send
from tenants.onboarding.migrating import migrate_schema
from tenants.registry.context import enter_public, enter_tenant
from tests.messaging.journal.conftest import execute, fill, seal
from tests.messaging.sample import TendPlatform
from tests.support.tampering import unguarded

_COLUMNS = [field.column for field in Message._meta.fields]


def refused(statement, values=None):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        execute(statement, values)


def trace_in(schema, *, days_ago=0, count=1):
    execute(
        f"INSERT INTO {schema}.journal_trace (id, message_id, correlation_id, handler, outcome, attempts, crashes,"
        " started_at, finished_at, worker) SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'sample.do', 'done',"
        " 0, 0, now(), clock_timestamp() - make_interval(days => %s), 'w' FROM generate_series(1, %s)",
        [days_ago, count],
    )


@pytest.mark.parametrize("column", _COLUMNS)
def test_no_column_of_a_message_can_be_changed(tenant, column):
    fill(tenant.schema_name, 1)
    refused(f"UPDATE {tenant.schema_name}.journal_message SET {column} = {column}")


@pytest.mark.parametrize("table", ["journal_message", "journal_trace", "journal_segment"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "TRUNCATE {} RESTART IDENTITY"])
def test_nothing_can_be_deleted(tenant, table, statement):
    fill(tenant.schema_name, 3)
    seal(tenant.schema_name)
    trace_in(tenant.schema_name)
    refused(statement.format(f"{tenant.schema_name}.{table}"))


def test_the_platforms_own_journal_is_guarded_too(db, settings):
    settings.MESSAGING = {**settings.MESSAGING, "TOPOLOGY": "tests.messaging.sample.TOPOLOGY"}
    with enter_public(), transaction.atomic():
        send(TendPlatform())
    for statement in ("UPDATE {} SET topic = 'x'", "DELETE FROM {}", "TRUNCATE {}"):
        refused(statement.format("public.journal_message"))


def test_traces_and_segments_cannot_be_changed(tenant):
    fill(tenant.schema_name, 3)
    seal(tenant.schema_name)
    trace_in(tenant.schema_name)
    refused(f"UPDATE {tenant.schema_name}.journal_trace SET outcome = 'dead'")
    for change in ("count = 2", "hash = 'x'", "purged_at = now(), leaves = NULL", "leaves = NULL"):
        refused(f"UPDATE {tenant.schema_name}.journal_segment SET {change}")


def test_the_gate_for_traces_opens_for_old_ones_alone(tenant):
    trace_in(tenant.schema_name, days_ago=2)
    trace_in(tenant.schema_name)
    execute("SELECT set_config('wildrydes.journal_purge', 'traces', true)")
    refused(f"DELETE FROM {tenant.schema_name}.journal_trace")
    execute(f"DELETE FROM {tenant.schema_name}.journal_trace WHERE finished_at < now() - interval '1 day'")
    refused(f"DELETE FROM {tenant.schema_name}.journal_message")


class TestTheGateForMessages:
    @pytest.fixture
    def old(self, tenant):
        """Two segments, sealed two days ago."""
        schema = tenant.schema_name
        seal(schema)
        fill(schema, 4, days_ago=3)
        seal(schema, size=2)
        with unguarded(schema):
            execute(f"UPDATE {schema}.journal_segment SET sealed_at = sealed_at - interval '2 days'")
        return schema

    def gate(self, value):
        execute("SELECT set_config('wildrydes.journal_purge', %s, true)", [value])

    def last_number(self, schema):
        return execute(f"SELECT max(number) FROM {schema}.journal_segment")[0][0]

    def delete(self, schema, number):
        return (
            f"DELETE FROM {schema}.journal_message m USING {schema}.journal_segment s WHERE s.number = {number}"
            " AND (m.position, m.id) > (s.after_position, s.after_id) AND (m.position, m.id) <= (s.upto_position, s.upto_id)"
        )

    def purge(self, schema, number):
        execute(
            f"UPDATE {schema}.journal_segment SET purged_at = now(), leaves = NULL WHERE number = %s",
            [number],
        )

    def test_lets_go_one_purged_segment(self, old):
        number = self.last_number(old)
        self.gate(f"segment {number}")
        self.purge(old, number)
        execute(self.delete(old, number))
        refused(self.delete(old, number - 1))

    def test_is_shut_while_the_segment_is_not_marked(self, old):
        number = self.last_number(old)
        self.gate(f"segment {number}")
        refused(self.delete(old, number))

    @pytest.mark.parametrize("value", ["", "segment 1", "traces", "segment x", "segment 999999999999999999999", "on"])
    def test_is_named_exactly(self, old, value):
        number = self.last_number(old)
        self.gate(value)
        refused(f"UPDATE {old}.journal_segment SET purged_at = now(), leaves = NULL WHERE number = {number}")
        refused(self.delete(old, number))

    def test_lets_nothing_else_of_the_segment_change(self, old):
        number = self.last_number(old)
        self.gate(f"segment {number}")
        refused(f"UPDATE {old}.journal_segment SET purged_at = now(), leaves = NULL, count = 1 WHERE number = {number}")

    def test_is_shut_for_the_young(self, tenant):
        fill(tenant.schema_name, 2)
        seal(tenant.schema_name)
        number = self.last_number(tenant.schema_name)
        self.gate(f"segment {number}")
        refused(
            f"UPDATE {tenant.schema_name}.journal_segment SET purged_at = now(), leaves = NULL WHERE number = {number}"
        )

    def test_asks_the_tables_own_schema_whatever_the_search_path_is(self, old):
        """A temporary table of the same name must not vouch for anything."""
        number = self.last_number(old)
        execute(f"CREATE TEMP TABLE journal_segment ON COMMIT DROP AS SELECT * FROM {old}.journal_segment")
        execute("UPDATE pg_temp.journal_segment SET purged_at = now()")
        self.gate(f"segment {number}")
        refused(self.delete(old, number))


def test_an_onboarded_tenant_has_the_same_guards_as_public(db):
    def guards(schema):
        return execute(
            "SELECT c.relname, t.tgname, t.tgenabled, t.tgtype, p.proname, p.prosrc FROM pg_trigger t"
            " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE c.relnamespace = %s::regnamespace AND c.relname LIKE 'journal%%' ORDER BY 1, 2",
            [schema],
        )

    assert len(guards("public")) == 9
    assert guards("t_acme") == guards("public")


def test_a_schema_with_messages_in_it_is_migrated(committed, tenant):
    with enter_tenant(tenant):
        connection.cursor().close()
    schema = tenant.schema_name
    for statement in (
        f"DROP TABLE {schema}.journal_segment CASCADE",
        f"DROP FUNCTION {schema}.journal_guard_delete() CASCADE",
        f"DROP FUNCTION {schema}.journal_refuse_change() CASCADE",
        f"DROP FUNCTION {schema}.journal_guard_segment() CASCADE",
        f"ALTER TABLE {schema}.journal_message DROP COLUMN position",
        f"DELETE FROM {schema}.django_migrations WHERE app = 'journal' AND name > '0002_outbound_calls'",
    ):
        execute(statement)
    with transaction.atomic():
        execute(
            f"INSERT INTO {schema}.journal_message (id, kind, topic, version, payload, correlation_id, occurred_at)"
            " SELECT gen_random_uuid(), 'event', 'old', 1, '{}', gen_random_uuid(), now() FROM generate_series(1, 25)"
        )
    migrate_schema(schema)
    with enter_tenant(tenant):
        old = Message.objects.filter(position=0).count()
        assert old == Message.objects.count() >= 25
        fill(schema, 3)
        assert Message.objects.filter(position__gt=0).count() == 3
        assert sum(seal(schema)) == old + 3
        assert Trace.objects.exists()
    refused(f"DELETE FROM {schema}.journal_message")
