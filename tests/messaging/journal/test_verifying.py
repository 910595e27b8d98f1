"""Whoever owns the tables can change everything in the database; verification says what was changed."""

import uuid
from contextlib import contextmanager

import pytest

from messaging.journal.chains import Chain
from messaging.journal.encoding import MESSAGE_FIELDS
from messaging.journal.exporting import export_heads
from messaging.journal.findings import MOST_FINDINGS, Kind, Verdict
from messaging.journal.heads import ToPurge, append
from messaging.journal.rows import last_segment
from messaging.journal.verifying import verify
from tests.messaging.journal.conftest import execute, fill, seal
from tests.support.tampering import unguarded

pytestmark = pytest.mark.usefixtures("db")


def check(heads_file, *schemas):
    return verify([heads_file], schemas=schemas, progress=lambda report: None)


def findings(heads_file, schema):
    """What is found in one journal: kind, segment, message."""
    (chain,) = check(heads_file, schema).chains
    return {(found.kind, found.segment, found.message_id) for found in chain.findings}


def kinds(heads_file, schema):
    return {kind for kind, _, _ in findings(heads_file, schema)}


def messages(schema):
    """(id, position, segment) of what is sealed, in order, without the journal's older messages."""
    return execute(
        f"SELECT m.id, m.position, s.number FROM {schema}.journal_message m JOIN {schema}.journal_segment s"
        " ON (m.position, m.id) > (s.after_position, s.after_id) AND (m.position, m.id) <= (s.upto_position, s.upto_id)"
        " WHERE m.topic = 'sample.filled' ORDER BY m.position"
    )


def tamper(schema, statement, values=None):
    with unguarded(schema):
        execute(statement.format(s=schema), values)


def test_what_nobody_changed_is_whole(sealed, heads_file):
    schema = sealed(35)
    fill(schema, 4)
    report = check(heads_file, schema)
    assert report.verdict is Verdict.WHOLE
    assert (report.chains[0].messages, report.chains[0].unsealed) == (
        execute(f"SELECT count(*) - 4 FROM {schema}.journal_message")[0][0],
        4,
    )


def test_all_journals_are_verified_and_those_without_messages_are_whole(sealed, heads_file, other_tenant):
    schema = sealed(3)
    execute(f"DROP SCHEMA {other_tenant.schema_name} CASCADE")
    report = check(heads_file)
    assert [chain.schema_name for chain in report.chains] == ["public", schema]
    assert report.verdict is Verdict.WHOLE


_EDITS = {
    "id": "gen_random_uuid()",
    "kind": "'command'",
    "topic": "topic || 'x'",
    "version": "version + 1",
    "payload": "payload || jsonb_build_object('price', 1.1)",
    "correlation_id": "gen_random_uuid()",
    "causation_id": "CASE WHEN causation_id IS NULL THEN gen_random_uuid() END",
    "occurred_at": "occurred_at + interval '1 microsecond'",
}


@pytest.mark.parametrize("column", MESSAGE_FIELDS)
@pytest.mark.parametrize("which", [0, 17, 34], ids=["first", "middle", "last"])
def test_an_edit_of_any_column_is_found(sealed, heads_file, column, which):
    schema = sealed(35)
    message_id, _, segment = messages(schema)[which]
    tamper(schema, f"UPDATE {{s}}.journal_message SET {column} = {_EDITS[column]} WHERE id = %s", [message_id])
    found = findings(heads_file, schema)
    if column == "id":
        changed = messages(schema)[which][0]
        assert found == {(Kind.DELETED, segment, message_id), (Kind.INSERTED, segment, changed)}
    else:
        assert found == {(Kind.EDITED, segment, message_id)}


def test_a_time_that_no_clock_shows_is_found_too(sealed, heads_file):
    schema = sealed(5)
    tamper(schema, "UPDATE {s}.journal_message SET occurred_at = 'infinity' WHERE topic = 'sample.filled'")
    assert kinds(heads_file, schema) == {Kind.EDITED}


@pytest.mark.parametrize("which", [0, 17, 34], ids=["first", "middle", "last"])
def test_a_deletion_is_found(sealed, heads_file, which):
    schema = sealed(35)
    message_id, _, segment = messages(schema)[which]
    tamper(schema, "DELETE FROM {s}.journal_message WHERE id = %s", [message_id])
    assert findings(heads_file, schema) == {(Kind.DELETED, segment, message_id)}


@pytest.mark.parametrize("pair", [(11, 12), (12, 31)], ids=["in_a_segment", "across_segments"])
def test_two_that_traded_places_are_found(sealed, heads_file, pair):
    schema = sealed(35)
    rows = messages(schema)
    (one, here, first), (other, there, second) = rows[pair[0]], rows[pair[1]]
    tamper(
        schema,
        "UPDATE {s}.journal_message SET position = CASE WHEN id = %s THEN %s ELSE %s END WHERE id IN (%s, %s)",
        [one, there, here, one, other],
    )
    assert findings(heads_file, schema) == {(Kind.MOVED, first, one), (Kind.MOVED, second, other)}


def test_a_message_moved_to_the_unsealed_end_is_found(sealed, heads_file):
    schema = sealed(35)
    message_id, _, segment = messages(schema)[3]
    tamper(schema, "UPDATE {s}.journal_message SET position = position + 1000 WHERE id = %s", [message_id])
    assert findings(heads_file, schema) == {(Kind.MOVED, segment, message_id)}


def test_truncation_is_found_and_told_within_bounds(sealed, heads_file):
    schema = sealed(MOST_FINDINGS + 50, size=100)
    tamper(schema, "TRUNCATE {s}.journal_message")
    (chain,) = check(heads_file, schema).chains
    assert {found.kind for found in chain.findings} == {Kind.DELETED}
    assert len(chain.findings) == MOST_FINDINGS
    assert chain.more >= 50


@pytest.mark.parametrize("place", ["same", "gap", "below"])
def test_an_insertion_afterwards_is_found(sealed, heads_file, place):
    schema = sealed(15)
    execute(f"SELECT nextval('{schema}.journal_message_position_seq')")  # rolled back somewhere: a gap
    fill(schema, 5)
    seal(schema)
    export_heads()
    _, position, segment = messages(schema)[0 if place == "below" else 15]
    at = {"same": position, "gap": position - 1, "below": -5}[place]
    inserted = uuid.uuid4()
    tamper(
        schema,
        "INSERT INTO {s}.journal_message (id, kind, topic, version, payload, correlation_id, position)"
        " VALUES (%s, 'event', 'forged', 1, '{{}}', gen_random_uuid(), %s)",
        [inserted, at],
    )
    found = findings(heads_file, schema)
    assert {(kind, message_id) for kind, _, message_id in found} == {(Kind.INSERTED, inserted)}
    assert {number for _, number, _ in found} == {1 if place == "below" else segment}


@pytest.mark.parametrize(
    "change",
    [
        "encoding = encoding + 1",
        "after_position = after_position - 1",
        "after_id = gen_random_uuid()",
        "upto_position = upto_position + 1",
        "upto_id = gen_random_uuid()",
        "count = count + 1",
        "first_at = first_at - interval '1 s'",
        "last_at = 'infinity'",
        "sealed_at = sealed_at + interval '1 microsecond'",
        "previous_hash = '\\x00'",
        "content_hash = '\\x00'",
        "hash = '\\x00'",
        "leaves = leaves || '\\x00'::bytea",
        "leaves = NULL",
        "leaves = NULL, purged_at = now()",
        "purged_at = now()",
        "number = number + 1000",
    ],
    ids=lambda change: change.replace(" ", "").replace("\\", ""),
)
def test_an_edit_of_a_segment_is_found(sealed, heads_file, change):
    schema = sealed(35)
    number = last_segment(schema).number - 1
    tamper(schema, f"UPDATE {{s}}.journal_segment SET {change} WHERE number = %s", [number])
    assert check(heads_file, schema).verdict is not Verdict.WHOLE
    assert kinds(heads_file, schema) & {
        Kind.SEGMENT_EDITED,
        Kind.SEGMENT_MISSING,
        Kind.PURGE_UNRECORDED,
        Kind.UNREADABLE,
    }


def test_a_segment_that_was_deleted_is_found(sealed, heads_file):
    schema = sealed(35)
    number = last_segment(schema).number - 1
    tamper(schema, "DELETE FROM {s}.journal_segment WHERE number = %s", [number])
    assert findings(heads_file, schema) == {(Kind.SEGMENT_MISSING, number, None)}


def cut_off(schema, *, pointer=True):
    """The last segment with its messages, and every trace of them in the database."""
    last = last_segment(schema)
    tamper(
        schema,
        "DELETE FROM {s}.journal_message WHERE (position, id) > (%s, %s)",
        [last.header.after.position, last.header.after.id],
    )
    tamper(schema, "DELETE FROM {s}.journal_segment WHERE number = %s", [last.number])
    execute(f"SELECT setval('{schema}.journal_message_position_seq', %s)", [last.header.after.position])
    if pointer:
        Chain.objects.filter(schema_name=schema).update(
            sealed_number=last.number - 1, exported_number=last.number - 1, inserted_seen=None
        )
    return last.number


@pytest.mark.parametrize("pointer", [True, False], ids=["everywhere", "pointer_forgotten"])
def test_an_end_that_was_cut_off_is_found_by_the_heads_outside(sealed, heads_file, pointer):
    schema = sealed(35)
    number = cut_off(schema, pointer=pointer)
    assert findings(heads_file, schema) == {(Kind.TRUNCATED, number, None)}


def test_a_journal_emptied_to_nothing_is_found(sealed, heads_file):
    schema = sealed(35)
    tamper(schema, "TRUNCATE {s}.journal_message, {s}.journal_segment RESTART IDENTITY")
    Chain.objects.filter(schema_name=schema).update(sealed_number=0, exported_number=0)
    assert findings(heads_file, schema) == {(Kind.TRUNCATED, 1, None)}


def test_a_chain_recomputed_from_the_edit_on_is_found(sealed, heads_file):
    schema = sealed(35)
    message_id, _, segment = messages(schema)[12]
    tamper(schema, "UPDATE {s}.journal_message SET topic = 'forged' WHERE id = %s", [message_id])
    last = last_segment(schema).number
    tamper(schema, "DELETE FROM {s}.journal_segment WHERE number >= %s", [segment])
    Chain.objects.filter(schema_name=schema).update(sealed_number=segment - 1)
    seal(schema)
    assert findings(heads_file, schema) == {(Kind.REWRITTEN, number, None) for number in range(segment, last + 1)}

    # And if the forger lets the job write the new heads as well, both stand there.
    Chain.objects.filter(schema_name=schema).update(exported_number=segment - 1)
    export_heads()
    assert kinds(heads_file, schema) == {Kind.TWO_HISTORIES}


def test_a_journal_that_is_gone_is_found(sealed, heads_file, tenant):
    execute(f"DROP SCHEMA {sealed(5)} CASCADE")
    report = check(heads_file)
    assert [(found.kind, str(tenant.id) in found.text) for found in report.findings] == [(Kind.CHAIN_MISSING, True)]
    assert report.verdict is Verdict.BROKEN


def test_triggers_that_are_off_are_found(sealed, heads_file):
    schema = sealed(5)
    execute(f"ALTER TABLE {schema}.journal_message DISABLE TRIGGER journal_message_keeps")
    execute(f"DROP TRIGGER journal_segment_whole ON {schema}.journal_segment")
    (found,) = check(heads_file, schema).chains[0].findings
    assert found.kind is Kind.UNGUARDED
    assert "journal_message_keeps, journal_segment_whole" in found.text


def test_a_sequence_set_back_is_found(sealed, heads_file):
    schema = sealed(5)
    execute(f"SELECT setval('{schema}.journal_message_position_seq', 1)")
    assert kinds(heads_file, schema) == {Kind.SET_BACK}


class TestWithoutProof:
    def test_messages_that_wait_to_be_sealed_for_days_are_told(self, sealed, heads_file):
        schema = sealed(5)
        fill(schema, 3, days_ago=2)
        assert findings(heads_file, schema) == {(Kind.UNSEALED, None, None)}
        assert check(heads_file, schema).verdict is Verdict.UNPROVEN

    def test_a_missing_file_leaves_it_unproven_and_the_rest_is_verified(self, sealed, heads_file, tmp_path):
        schema = sealed(15)
        report = check(tmp_path / "nowhere", schema)
        assert report.verdict is Verdict.UNPROVEN
        assert report.chains[0].messages >= 15
        tamper(schema, "DELETE FROM {s}.journal_message WHERE topic = 'sample.filled'")
        assert check(tmp_path / "nowhere", schema).verdict is Verdict.BROKEN

    def test_heads_that_no_file_has_are_named(self, sealed, heads_file):
        schema = sealed(35)
        number = last_segment(schema).number
        lines = heads_file.read_text().splitlines(keepends=True)
        heads_file.write_text("".join(lines[:-2]))
        assert findings(heads_file, schema) == {(Kind.HEADS_MISSING, number - 1, None)}
        assert check(heads_file, schema).verdict is Verdict.UNPROVEN

    def test_a_line_that_was_made_unreadable_is_named(self, sealed, heads_file):
        schema = sealed(35)
        lines = heads_file.read_text().splitlines(keepends=True)
        heads_file.write_text("".join([*lines[:1], "0" * 50 + "\n", *lines[2:]]))
        report = check(heads_file, schema)
        assert (report.verdict, [found.text for found in report.findings]) == (
            Verdict.UNPROVEN,
            [f"{heads_file}:2 is no head."],
        )

    def test_another_environments_heads_prove_nothing(self, sealed, heads_file, settings):
        schema = sealed(5)
        settings.ENVIRONMENT = "staging"
        assert kinds(heads_file, schema) == {Kind.HEADS_MISSING}


class TestPurgedSegments:
    """As retention leaves them; how it does so is tested there."""

    @contextmanager
    def purged(self, schema, number):
        segment = last_segment(schema)
        with unguarded(schema):
            execute(f"UPDATE {schema}.journal_segment SET purged_at = now(), leaves = NULL WHERE number = %s", [number])
            execute(
                f"DELETE FROM {schema}.journal_message m USING {schema}.journal_segment s WHERE s.number = %s"
                " AND (m.position, m.id) > (s.after_position, s.after_id)"
                " AND (m.position, m.id) <= (s.upto_position, s.upto_id)",
                [number],
            )
        yield segment

    def test_verify_with_a_record_of_the_purge_outside(self, sealed, heads_file, tenant):
        schema = sealed(35)
        last = last_segment(schema)
        entry = ToPurge(chain_id=tenant.id, schema_name=schema, segment=last.number, hash=last.hash)
        with self.purged(schema, last.number):
            assert kinds(heads_file, schema) == {Kind.PURGE_UNRECORDED}
            append(heads_file, [entry], environment="test", database="")
            report = check(heads_file, schema)
            assert report.verdict is Verdict.WHOLE
            assert report.chains[0].purged_segments == 1

    def test_stay_empty(self, sealed, heads_file, tenant):
        schema = sealed(35)
        last = last_segment(schema)
        entry = ToPurge(chain_id=tenant.id, schema_name=schema, segment=last.number, hash=last.hash)
        append(heads_file, [entry], environment="test", database="")
        with self.purged(schema, last.number):
            tamper(
                schema,
                "INSERT INTO {s}.journal_message (id, kind, topic, version, payload, correlation_id, position)"
                " VALUES (gen_random_uuid(), 'event', 'forged', 1, '{{}}', gen_random_uuid(), %s)",
                [last.header.upto.position],
            )
            assert kinds(heads_file, schema) == {Kind.INSERTED}
