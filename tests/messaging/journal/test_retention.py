"""Retention: by its settings, in batches, and never what somebody still needs."""

import threading
import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from environ import Env

from messaging.journal import encoding, retention
from messaging.journal.chains import Chain
from messaging.journal.errors import UnableToSeal
from messaging.journal.exporting import export_heads
from messaging.journal.findings import Kind, Verdict
from messaging.journal.heads import ToPurge, append
from messaging.journal.models import Segment
from messaging.journal.retention import clean_everywhere
from messaging.journal.rows import last_segment, segment_numbered, segments_after
from messaging.journal.verifying import verify
from messaging.models import DeadLetter, DeadLetterState, Delivery
from tenants.registry.context import enter_tenant
from tests.messaging.journal.conftest import due, execute, fill, seal
from tests.messaging.journal.test_verifying import messages, tamper
from tests.support.tampering import unguarded
from wildrydes.configuration import journal as configuration
from wildrydes.kernel.clock import utcnow

_ROWS = {
    "trace": "journal_trace (id, message_id, correlation_id, handler, outcome, attempts, crashes, started_at, worker,"
    " finished_at) SELECT {id}, {message}, gen_random_uuid(), 'h', 'done', 0, 0, now(), 'w', {date}",
    "error": "journal_handlererror (id, delivery_id, message_id, correlation_id, handler, attempt, error_class, text,"
    " traceback, happened_at) SELECT {id}, gen_random_uuid(), {message}, gen_random_uuid(), 'h', 1, 'E', '', '', {date}",
    "call": "journal_outboundcall (id, message_id, correlation_id, attempt, purpose, method, host, path, error, duration_ms,"
    " started_at) SELECT {id}, {message}, gen_random_uuid(), 1, 'charge', 'POST', 'h', '/', '', 3, {date}",
}
_TABLES = {"trace": "journal_trace", "error": "journal_handlererror", "call": "journal_outboundcall"}


@pytest.fixture(autouse=True)
def retention_settings(settings):
    settings.RETENTION = {
        "TRACES": 30,
        "HANDLER_ERRORS": 30,
        "OUTBOUND_CALLS": 30,
        "MESSAGES": 30,
        "RESOLVED_DEAD_LETTERS": 30,
    }


def write(schema, kind, *, days_ago, count=1, message=None):
    statement = _ROWS[kind].format(
        id=f"uuidv7(make_interval(days => -{days_ago}))",
        message=f"'{message}'::uuid" if message else "gen_random_uuid()",
        date=f"clock_timestamp() - make_interval(days => {days_ago})",
    )
    execute(f"INSERT INTO {schema}.{statement} FROM generate_series(1, {count})")


def count(schema, kind):
    return execute(f"SELECT count(*) FROM {schema}.{_TABLES[kind]}")[0][0]


def clean(**options):
    Chain.objects.update(clean_at="2020-01-01T00:00:00Z")
    return clean_everywhere(**{"seconds": 60, "pause": 0.0, **options}).rows


def age(schema, chain_id, *, days):
    """As if all segments had been sealed so many days ago; before their heads are written outside."""
    with unguarded(schema):
        execute(f"UPDATE {schema}.journal_segment SET sealed_at = sealed_at - make_interval(days => %s)", [days])
        previous = encoding.genesis_hash(chain_id)
        for segment in segments_after(schema, 0, limit=10_000):
            hashed = encoding.segment_hash(chain_id, replace(segment.header, previous_hash=previous))
            execute(
                f"UPDATE {schema}.journal_segment SET previous_hash = %s, hash = %s WHERE number = %s",
                [previous, hashed, segment.number],
            )
            previous = hashed


@pytest.fixture
def old_segments(tenant, heads_file):
    """Three segments of ten messages, sealed 40 days ago, heads outside; answers the first one's number."""
    schema = tenant.schema_name
    seal(schema)
    first = last_segment(schema).number + 1
    fill(schema, 30, days_ago=40)
    seal(schema)
    age(schema, tenant.id, days=40)
    export_heads()
    return first


@pytest.mark.parametrize("kind", ["trace", "error", "call"])
class TestRows:
    def test_the_old_go_and_the_young_stay(self, tenant, kind):
        before = count(tenant.schema_name, kind)
        write(tenant.schema_name, kind, days_ago=31, count=5)
        write(tenant.schema_name, kind, days_ago=29, count=3)
        clean()
        assert count(tenant.schema_name, kind) == before + 3

    def test_0_keeps_for_ever(self, tenant, kind, settings):
        write(tenant.schema_name, kind, days_ago=3000)
        settings.RETENTION = dict.fromkeys(settings.RETENTION, 0)
        before = count(tenant.schema_name, kind)
        clean()
        assert count(tenant.schema_name, kind) == before

    def test_what_belongs_to_an_open_letter_or_a_delivery_stays(self, tenant, kind):
        schema = tenant.schema_name
        open_letter, resolved, delivery = (letter_id(tenant), letter_id(tenant, "discarded"), delivered(tenant))
        for message in (open_letter, resolved, delivery):
            write(schema, kind, days_ago=31, message=message)
        clean()
        left = execute(
            f"SELECT message_id FROM {schema}.{_TABLES[kind]} WHERE message_id = ANY(%s)",
            [[open_letter, resolved, delivery]],
        )
        assert {row[0] for row in left} == {open_letter, delivery}

    def test_another_tenants_letters_hold_nothing(self, tenant, other_tenant, kind):
        message = letter_id(other_tenant)
        write(tenant.schema_name, kind, days_ago=31, message=message)
        assert sum(clean().values()) == 1


def old_id(days=31):
    return execute("SELECT uuidv7(make_interval(days => %s))", [-days])[0][0]


def letter_id(tenant, state="open", *, days=31, message_id=None):
    """A letter that died so many days ago; answers its message's id."""
    message_id = message_id or old_id()
    DeadLetter.objects.create(
        id=uuid.uuid4(),
        tenant_id=tenant.id,
        message_id=message_id,
        correlation_id=uuid.uuid4(),
        topic="t",
        version=1,
        handler="h",
        queue_class="bookings",
        reason="attempts",
        fingerprint="f",
        attempts=1,
        crashes=0,
        outcome_committed=True,
        accepted_at="2020-01-01T00:00:00Z",
        state=state,
    )
    execute(
        "UPDATE messaging_deadletter SET died_at = now() - make_interval(days => %s),"
        " resolved_at = CASE WHEN state <> 'open' THEN now() - make_interval(days => %s) END WHERE message_id = %s",
        [days, days, message_id],
    )
    return message_id


def delivered(tenant, message_id=None):
    """A delivery that waits for a far day; answers its message's id."""
    message_id = message_id or old_id()
    Delivery.objects.create(
        tenant_id=tenant.id,
        message_id=message_id,
        correlation_id=uuid.uuid4(),
        topic="t",
        version=1,
        handler="h",
        queue_class="bookings",
        not_before="2099-01-01T00:00:00Z",
        due_at="2099-01-01T00:00:00Z",
    )
    return message_id


@pytest.mark.parametrize("state", DeadLetterState.values)
def test_only_resolved_letters_go(tenant, state):
    old, young = letter_id(tenant, state, days=31), letter_id(tenant, state, days=29)
    clean()
    assert DeadLetter.objects.filter(message_id=old).exists() == (state in ("open", "redriving"))
    assert DeadLetter.objects.filter(message_id=young).exists()


class TestManyTraces:
    def test_50000_go_in_batches_within_seconds_and_in_slices(self, tenant):
        schema, before = tenant.schema_name, count(tenant.schema_name, "trace")
        write(schema, "trace", days_ago=31, count=50_000)
        write(schema, "trace", days_ago=1, count=2_000)
        started = time.monotonic()
        first = clean(seconds=0.2, pause=0.01)["TRACES"]
        assert time.monotonic() - started < 3
        assert 0 < first < 50_000
        assert Chain.objects.filter(schema_name=schema, clean_at__lte=retention.Now()).exists()
        assert first + clean()["TRACES"] == 50_000
        assert time.monotonic() - started < 20
        assert count(schema, "trace") == before + 2_000
        assert not Chain.objects.filter(schema_name=schema, clean_at__lte=retention.Now()).exists()

    def test_the_primary_key_finds_them(self, tenant):
        """However many are kept, only those that go are read."""
        schema = tenant.schema_name
        write(schema, "trace", days_ago=31, count=100)
        write(schema, "trace", days_ago=1, count=20_000)
        execute(f"ANALYZE {schema}.journal_trace")
        before = retention.first_id_of(int((time.time() - 30 * 86_400) * 1000))
        plan = execute(
            f"EXPLAIN SELECT id FROM {schema}.journal_trace WHERE id > %s AND id < %s AND finished_at < now()"
            " ORDER BY id LIMIT 1000",
            [uuid.UUID(int=0), before],
        )
        assert "Index Scan using journal_trace_pkey" in "\n".join(row[0] for row in plan)


def test_a_journal_with_much_to_do_goes_behind_the_others(tenant, other_tenant):
    due(tenant.schema_name)
    write(tenant.schema_name, "trace", days_ago=31, count=1_500)
    write(other_tenant.schema_name, "trace", days_ago=31, count=10)
    Chain.objects.update(clean_at="2020-01-02T00:00:00Z")
    Chain.objects.filter(id=tenant.id).update(clean_at="2020-01-01T00:00:00Z")
    clean_everywhere(seconds=0.05, pause=0.1)
    assert list(Chain.objects.order_by("clean_at").values_list("schema_name", flat=True))[-1] == tenant.schema_name


def test_two_cleaners_at_once_delete_each_row_once(committed, tenant):
    write(tenant.schema_name, "trace", days_ago=31, count=5_000)
    due(tenant.schema_name)
    Chain.objects.update(clean_at="2020-01-01T00:00:00Z")
    deleted = []

    def one():
        try:
            deleted.append(clean_everywhere(seconds=30, pause=0.0).rows.get("TRACES", 0))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(deleted) == 5_000


class TestMessages:
    def left(self, schema):
        return [number for _, _, number in messages(schema)]

    def whole(self, heads_file, schema):
        return verify([heads_file], schemas=[schema], progress=lambda report: None)

    def test_expired_segments_are_emptied_and_the_chain_still_verifies(self, tenant, old_segments, heads_file):
        schema = tenant.schema_name
        fill(schema, 5, days_ago=40)  # old messages, sealed today
        seal(schema)
        fill(schema, 5)
        seal(schema)
        export_heads()
        assert clean()["MESSAGES"] == 30
        assert self.left(schema) == [old_segments + 3] * 5 + [old_segments + 4] * 5
        report = self.whole(heads_file, schema)
        assert (report.verdict, report.chains[0].purged_segments) == (Verdict.WHOLE, 3)
        with enter_tenant(tenant):
            purged = Segment.objects.get(number=old_segments)
            assert (purged.count, purged.leaves, bool(purged.purged_at)) == (10, None, True)
        assert clean().get("MESSAGES") == 0

    def test_0_keeps_for_ever(self, tenant, old_segments, settings):
        settings.RETENTION = {**settings.RETENTION, "MESSAGES": 0}
        assert "MESSAGES" not in clean()
        assert len(self.left(tenant.schema_name)) == 30

    @pytest.mark.parametrize("hold", [letter_id, delivered], ids=["open_letter", "delivery"])
    def test_a_segment_with_a_message_in_use_is_left_whole_until_that_is_over(
        self, tenant, old_segments, heads_file, hold
    ):
        schema = tenant.schema_name
        held, _, number = messages(schema)[15]
        hold(tenant, message_id=held)
        assert clean()["MESSAGES"] == 20
        assert set(self.left(schema)) == {number}
        assert self.whole(heads_file, schema).verdict is Verdict.WHOLE

        DeadLetter.objects.filter(message_id=held).update(state="discarded")
        Delivery.objects.filter(message_id=held).delete()
        assert clean()["MESSAGES"] == 10

    def test_evidence_of_a_change_is_not_deleted(self, tenant, old_segments, heads_file):
        schema = tenant.schema_name
        message_id, _, number = messages(schema)[15]
        tamper(schema, "UPDATE {s}.journal_message SET topic = 'forged' WHERE id = %s", [message_id])
        tamper(schema, "UPDATE {s}.journal_segment SET count = 9 WHERE number = %s", [number + 1])
        assert clean()["MESSAGES"] == 10
        kinds = {found.kind for found in self.whole(heads_file, schema).chains[0].findings}
        assert kinds == {Kind.EDITED, Kind.SEGMENT_EDITED}

    def test_nothing_goes_before_its_head_is_outside(self, tenant, old_segments):
        Chain.objects.filter(id=tenant.id).update(exported_number=old_segments)
        assert clean()["MESSAGES"] == 10

    def test_nothing_goes_while_the_file_cannot_be_written(self, tenant, old_segments, settings):
        settings.JOURNAL = {**settings.JOURNAL, "HEADS_FILE": "/dev/full"}
        write(tenant.schema_name, "trace", days_ago=31)
        traces = count(tenant.schema_name, "trace")
        with pytest.raises(UnableToSeal, match="No space"):
            clean()
        assert len(self.left(tenant.schema_name)) == 30
        assert count(tenant.schema_name, "trace") == traces - 1

    def test_a_crash_before_the_commit_leaves_the_segment_whole(self, tenant, old_segments, heads_file):
        """What was written outside about the purge does no harm, and the next round does it."""
        schema = tenant.schema_name
        entry = ToPurge(
            chain_id=tenant.id,
            schema_name=schema,
            segment=old_segments,
            hash=segment_numbered(schema, old_segments).hash,
        )
        append(heads_file, [entry], environment="test", database="")
        assert self.whole(heads_file, schema).verdict is Verdict.WHOLE
        assert clean()["MESSAGES"] == 30
        assert self.whole(heads_file, schema).verdict is Verdict.WHOLE


def test_clocks_that_disagree_delete_nothing(tenant, monkeypatch):
    """A database whose clock has jumped a year ahead would find everything expired."""
    write(tenant.schema_name, "trace", days_ago=31)
    monkeypatch.setattr(retention, "utcnow", lambda: utcnow() - timedelta(hours=2))
    assert sum(clean().values()) == 0
    monkeypatch.undo()
    assert clean()["TRACES"] == 1


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "999999", "٣"])
def test_a_setting_that_is_no_number_of_days_stops_the_start(value):
    with pytest.raises(ImproperlyConfigured, match="RETENTION_TRACES_DAYS"):
        retention_of({"RETENTION_TRACES_DAYS": value})


@pytest.mark.parametrize(("value", "days"), [("", 0), ("0", 0), (" 7 ", 7)], ids=["empty", "zero", "seven"])
def test_empty_and_0_keep_for_ever(value, days):
    assert retention_of({"RETENTION_TRACES_DAYS": value})["TRACES"] == days


def retention_of(variables):
    env = Env()
    env.ENVIRON = variables
    return configuration.retention_settings(env)
