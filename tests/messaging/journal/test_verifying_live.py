"""Verification beside a service that runs, and that is being migrated."""

import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from messaging.journal.exporting import export_heads
from messaging.journal.findings import Kind, Verdict
from messaging.journal.jobs import seal_journals
from messaging.journal.sealing import seal_chain
from messaging.journal.verifying import verify
from tenants.onboarding.dumping import dump_schema
from tests.messaging.journal.conftest import due, execute, fill, seal

pytestmark = pytest.mark.usefixtures("committed")


def check(heads_file, *schemas):
    return verify([heads_file], schemas=schemas, progress=lambda report: None)


def test_what_is_written_and_sealed_meanwhile_makes_no_false_alarm(tenant, heads_file):
    stop = threading.Event()
    schema = tenant.schema_name

    def run(work):
        try:
            while not stop.is_set():
                work()
        finally:
            connection.close()

    def seal_what_is_settled():
        seal_chain(due(schema), until=time.monotonic() + 5, segment_size=50)
        export_heads()

    seal_what_is_settled()
    threads = [threading.Thread(target=run, args=(work,)) for work in (lambda: fill(schema, 7), seal_what_is_settled)]
    for thread in threads:
        thread.start()
    reports = [check(heads_file, schema)]
    give_up = time.monotonic() + 20
    while len(reports) < 10 or reports[-1].chains[0].segments < reports[0].chains[0].segments + 20:
        reports.append(check(heads_file, schema))
        assert time.monotonic() < give_up
    stop.set()
    for thread in threads:
        thread.join()
    assert [found for report in reports for chain in report.chains for found in chain.findings] == []


def test_a_schema_that_is_older_than_the_code_leaves_it_unproven_and_the_others_are_verified(
    tenant, other_tenant, heads_file
):
    for schema in (tenant.schema_name, other_tenant.schema_name):
        fill(schema, 3)
    seal_journals()
    execute(f"ALTER TABLE {tenant.schema_name}.journal_segment RENAME COLUMN leaves TO leafs")
    report = check(heads_file, tenant.schema_name, other_tenant.schema_name)
    assert [[found.kind for found in chain.findings] for chain in report.chains] == [[Kind.UNREADABLE], []]
    assert report.verdict is Verdict.UNPROVEN


def test_a_dump_that_is_restored_verifies_and_is_sealed_on(tenant, heads_file):
    """Positions and sequence come with the dump; no transaction id of the old cluster means anything."""
    schema = tenant.schema_name
    fill(schema, 25)
    seal(schema)
    fill(schema, 3)
    export_heads()
    dump = dump_schema(schema)
    with transaction.atomic():
        execute(f"DROP SCHEMA {schema} CASCADE")
        execute("SELECT set_config('search_path', '', true)")
        execute(dump.replace("%", "%%"), [])
    connection.close()
    assert check(heads_file, schema).verdict is Verdict.WHOLE
    fill(schema, 4)
    assert seal(schema) == [7]
    export_heads()
    report = check(heads_file, schema)
    assert (report.verdict, report.chains[0].unsealed) == (Verdict.WHOLE, 0)


def test_a_database_without_the_pointers_is_told_in_a_line(tenant, heads_file):
    execute("DROP TABLE messaging_chain")
    with pytest.raises(CommandError, match="cannot be read") as told:
        call_command("verify_journal", heads=[heads_file])
    assert (told.value.returncode, "\n" in str(told.value)) == (2, False)
