"""Heads leave the database: at every sealing, again after any failure, and loudly when they cannot."""

import pytest

from messaging.journal.chains import Chain
from messaging.journal.errors import UnableToSeal
from messaging.journal.exporting import export_heads
from messaging.journal.heads import read
from messaging.journal.jobs import seal_journals
from messaging.journal.rows import last_segment
from tests.messaging.journal.conftest import execute, fill, seal


def known(path, tenant):
    return read([path], environment="test").chains[tenant.id]


def test_every_sealing_writes_its_heads(tenant, heads_file):
    fill(tenant.schema_name, 5)
    seal_journals()
    last = last_segment(tenant.schema_name)
    assert known(heads_file, tenant).hashes[last.number] == {last.hash.hex()}
    before = heads_file.read_text()
    seal_journals()
    assert heads_file.read_text() == before


def test_a_file_that_cannot_be_written_loses_no_segment_and_is_retried(tenant, heads_file, caplog):
    fill(tenant.schema_name, 5)
    heads_file.parent.write_text("a file where the directory should be")
    with pytest.raises(UnableToSeal, match="heads wait in the database"):
        seal_journals()
    assert last_segment(tenant.schema_name).number == Chain.objects.get(id=tenant.id).sealed_number
    assert Chain.objects.get(id=tenant.id).exported_number == 0
    fill(tenant.schema_name, 5)
    with pytest.raises(UnableToSeal):
        seal_journals()

    heads_file.parent.unlink()
    seal_journals()
    assert set(known(heads_file, tenant).hashes) == set(range(1, last_segment(tenant.schema_name).number + 1))


def test_a_full_disk_is_told(tenant, heads_file, settings):
    settings.JOURNAL = {**settings.JOURNAL, "HEADS_FILE": "/dev/full"}
    fill(tenant.schema_name, 5)
    with pytest.raises(UnableToSeal, match=r"/dev/full .*No space"):
        seal_journals()


def test_a_schema_that_is_gone_does_not_stop_the_others(committed, tenant, other_tenant, heads_file):
    for schema in (tenant.schema_name, other_tenant.schema_name):
        fill(schema, 3)
        seal(schema)
    execute(f"DROP SCHEMA {other_tenant.schema_name} CASCADE")
    export_heads()
    assert known(heads_file, tenant).last == last_segment(tenant.schema_name).number
