"""Segments: every settled message in exactly one, however sealers race, crash and wait."""

import itertools
import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from messaging.journal.chains import Chain
from messaging.journal.directory import chains_to_seal
from messaging.journal.encoding import genesis_hash, unpack
from messaging.journal.errors import UnableToSeal
from messaging.journal.rows import last_segment, segments_after
from messaging.journal.sealing import seal_chain, seal_everywhere
from tests.messaging.journal.conftest import due, execute, fill, seal
from tests.support.tampering import unguarded


def leaves(schema):
    return [leaf.id for segment in segments_after(schema, 0, limit=10_000) for leaf in unpack(segment.leaves)]


def ids(schema):
    return [row[0] for row in execute(f"SELECT id FROM {schema}.journal_message ORDER BY position, id")]


def test_a_chain_begins_with_its_own_id_and_each_segment_names_the_one_before(tenant):
    fill(tenant.schema_name, 35)
    seal(tenant.schema_name)
    segments = segments_after(tenant.schema_name, 0, limit=100)
    assert [segment.number for segment in segments] == list(range(1, len(segments) + 1))
    assert segments[0].header.previous_hash == genesis_hash(tenant.id)
    for before, after in itertools.pairwise(segments):
        assert (after.header.previous_hash, after.header.after) == (before.hash, before.header.upto)
    assert leaves(tenant.schema_name) == ids(tenant.schema_name)


def test_nothing_new_makes_no_segment(tenant):
    seal(tenant.schema_name)
    last = last_segment(tenant.schema_name)
    assert seal(tenant.schema_name) == []
    assert last_segment(tenant.schema_name) == last


def test_messages_older_than_the_column_come_first_by_id(tenant):
    schema = tenant.schema_name
    with unguarded(schema):
        execute(f"UPDATE {schema}.journal_message SET position = 0")
    fill(schema, 4)
    with unguarded(schema):
        execute(f"UPDATE {schema}.journal_message SET position = 0 WHERE topic = 'sample.filled'")
    fill(schema, 4)
    seal(schema, size=3)
    assert leaves(schema) == ids(schema)


def test_two_sealers_at_once_make_one_chain(committed, tenant):
    schema = tenant.schema_name
    fill(schema, 300)
    failures = []

    def one():
        try:
            for _ in range(5):
                seal_chain(due(schema), until=time.monotonic() + 30, segment_size=7)
        except Exception as error:  # noqa: BLE001  # told by the test's own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal(schema)
    assert failures == []
    assert leaves(schema) == ids(schema)


def test_writers_and_sealers_at_once_leave_nothing_out(committed, tenant):
    """Transactions of several messages commit in any order while a sealer runs all the time."""
    schema = tenant.schema_name
    stop = threading.Event()

    def write(number):
        try:
            for turn in range(25):
                with transaction.atomic():
                    fill(schema, 1 + (turn + number) % 4)
                    time.sleep(0.001 * (turn % 5))
                    if turn % 6 == 5:
                        transaction.set_rollback(True)
        finally:
            connection.close()

    def seal_on():
        try:
            while not stop.is_set():
                seal_chain(due(schema), until=time.monotonic() + 30, segment_size=8)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    sealer = threading.Thread(target=seal_on)
    for thread in (*writers, sealer):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    sealer.join()
    assert last_segment(schema).number > 1
    seal(schema)
    assert leaves(schema) == ids(schema)


def test_a_sealer_that_dies_has_sealed_nothing_by_half(committed, tenant):
    """It dies between the segment and the pointer to it."""
    schema = tenant.schema_name
    seal(schema)
    before = last_segment(schema)
    fill(schema, 5)
    execute(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid());"
        " RETURN NEW; END $$; CREATE TRIGGER die BEFORE UPDATE ON messaging_chain FOR EACH ROW EXECUTE FUNCTION die()"
    )
    with pytest.raises(OperationalError):
        seal(schema)
    connection.close()
    execute("DROP FUNCTION die CASCADE")
    assert last_segment(schema) == before
    assert Chain.objects.get(schema_name=schema).sealed_number == before.number
    assert seal(schema) == [5]


def test_a_round_visits_those_with_something_new_and_no_others(committed, tenant, other_tenant):
    seal_everywhere(seconds=30)
    seal_everywhere(seconds=30)
    execute("SELECT pg_stat_force_next_flush()")
    seal_everywhere(seconds=30)
    assert chains_to_seal() == []

    fill(tenant.schema_name, 3)
    execute("SELECT pg_stat_force_next_flush()")
    assert [found.schema_name for found in chains_to_seal()] == [tenant.schema_name]
    assert seal_everywhere(seconds=30).messages == 3
    assert chains_to_seal() == []


def test_every_chain_is_visited_once_in_a_while_whatever_the_statistics_say(committed, tenant):
    seal_everywhere(seconds=30)
    execute("SELECT pg_stat_force_next_flush()")
    seal_everywhere(seconds=30)
    Chain.objects.filter(schema_name="t_globex").update(look_at="2020-01-01T00:00:00Z")
    assert [found.schema_name for found in chains_to_seal()] == ["t_globex"]


def test_a_schema_that_is_older_than_the_code_waits(committed, tenant, other_tenant):
    execute("DROP TABLE t_globex.journal_segment")
    fill("t_globex", 3)
    fill(tenant.schema_name, 3)
    assert seal_everywhere(seconds=30).messages >= 3
    assert "t_globex" not in {found.schema_name for found in chains_to_seal()}
    assert execute("SELECT count(*) FROM public.journal_segment WHERE count = 0") == [(0,)]


def test_a_journal_that_was_set_back_is_refused_loudly_and_stops_no_other(committed, tenant, other_tenant):
    for schema in (tenant.schema_name, other_tenant.schema_name):
        fill(schema, 3)
    seal_everywhere(seconds=30)
    execute(f"SELECT setval('{tenant.schema_name}.journal_message_position_seq', 1)")
    for schema in (tenant.schema_name, other_tenant.schema_name):
        fill(schema, 3)
    Chain.objects.update(look_at="2020-01-01T00:00:00Z")
    with pytest.raises(UnableToSeal, match="journal_message_position_seq stands at"):
        seal_everywhere(seconds=30)
    assert last_segment(other_tenant.schema_name).header.count == 3


def test_a_chain_that_lost_its_last_segment_is_not_continued(tenant):
    schema = tenant.schema_name
    fill(schema, 25)
    seal(schema)
    with unguarded(schema):
        execute(
            f"DELETE FROM {schema}.journal_segment WHERE number = (SELECT max(number) FROM {schema}.journal_segment)"
        )
    with pytest.raises(UnableToSeal, match="the last one sealed"):
        seal(schema)


def test_a_schema_whose_tenant_is_another_one_now_gets_a_chain_of_its_own(tenant):
    seal(tenant.schema_name)
    Chain.objects.filter(schema_name=tenant.schema_name).delete()
    stranger = Chain.objects.create(schema_name=tenant.schema_name)
    assert due(tenant.schema_name).id == tenant.id
    assert not Chain.objects.filter(id=stranger.id).exists()
