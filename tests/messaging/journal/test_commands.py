"""verify_journal and accept_journal, as an operator meets them."""

import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from messaging.journal.chains import Chain
from messaging.journal.exporting import export_heads
from messaging.journal.rows import last_segment
from tests.messaging.journal.conftest import execute, fill, seal
from tests.messaging.journal.test_verifying import cut_off, tamper

pytestmark = pytest.mark.usefixtures("db")


def run(name, **options):
    """Output, exit status and the last words."""
    out = io.StringIO()
    try:
        call_command(name, stdout=out, stderr=io.StringIO(), **options)
    except CommandError as error:
        return out.getvalue(), error.returncode, str(error)
    return out.getvalue(), 0, ""


class TestVerify:
    def test_a_whole_journal(self, sealed):
        sealed(35)
        said, status, _ = run("verify_journal")
        assert status == 0
        assert "✓ t_acme: " in said
        assert said.endswith("WHOLE: nothing was changed.\n")

    def test_a_broken_one(self, sealed):
        schema = sealed(35)
        tamper(schema, "UPDATE {s}.journal_message SET topic = 'forged' WHERE position = %s", [3])
        said, status, why = run("verify_journal", tenant=["acme"])
        (message_id,) = execute(f"SELECT id FROM {schema}.journal_message WHERE position = 3")[0]
        assert status == 1
        assert f"message edited {message_id} (segment 1): At 3:" in said
        assert "docs/runbooks/journal.md" in why

    def test_one_that_cannot_be_proven(self, sealed, tmp_path):
        sealed(5)
        said, status, why = run("verify_journal", heads=[tmp_path / "gone"])
        assert status == 2
        assert "No such file" in said
        assert why.startswith("UNPROVEN")

    def test_as_json(self, sealed):
        schema = sealed(35)
        fill(schema, 2)
        said, status, _ = run("verify_journal", tenant=["acme"], json=True)
        told = json.loads(said)
        assert (status, told["verdict"], told["journals"][0]["unsealed"]) == (0, "whole", 2)
        tamper(schema, "DELETE FROM {s}.journal_message WHERE position = 3")
        said, status, _ = run("verify_journal", tenant=["acme"], json=True)
        (found,) = json.loads(said)["journals"][0]["findings"]
        assert (status, found["kind"], found["broken"], found["segment"]) == (1, "message deleted", True, 1)

    @pytest.mark.parametrize("slug", ["nobody", "", "a\x00b", "t_acme'; DROP"], ids=["unknown", "empty", "nul", "sql"])
    def test_a_tenant_that_is_not_there_is_told_in_a_line(self, sealed, slug):
        _, status, why = run("verify_journal", tenant=[slug])
        assert status == 2
        assert "\n" not in why

    def test_the_platforms_own_journal(self, sealed):
        sealed(5)
        said, status, _ = run("verify_journal", tenant=["public"])
        assert status == 0
        assert "t_acme" not in said


class TestAccept:
    def test_a_restored_backup_goes_on_and_verifies_with_a_note(self, sealed):
        schema = sealed(35)
        number = cut_off(schema)
        fill(schema, 4)
        assert run("verify_journal")[1] == 1
        said, status, _ = run("accept_journal", tenant="acme", reason="Disk lost", dry_run=True)
        assert (status, said) == (0, f"1 heads would be given up; the journal goes on after segment {number - 1}.\n")
        assert run("verify_journal")[1] == 1

        assert run("accept_journal", tenant="acme", reason="Disk lost")[1] == 0
        seal(schema)
        export_heads()
        said, status, _ = run("verify_journal")
        assert status == 0
        assert f"note: 1 heads from segment {number} on were given up: Disk lost" in said
        entry = Entry.objects.get(action="journal.accepted")
        assert (entry.reason, entry.details["given_up"]) == ("Disk lost", 1)

    def test_also_when_it_was_sealed_on_before_anyone_noticed(self, sealed):
        schema = sealed(35)
        cut_off(schema)
        fill(schema, 4)
        seal(schema)
        export_heads()
        assert run("verify_journal")[1] == 1
        assert run("accept_journal", tenant="acme", reason="Disk lost")[1] == 0
        assert run("verify_journal")[1] == 0

    def test_a_schema_restored_by_itself_can_be_sealed_again(self, sealed):
        schema = sealed(35)
        cut_off(schema, pointer=False)
        assert run("accept_journal", tenant="acme", reason="Restored alone")[1] == 0
        fill(schema, 4)
        assert seal(schema) == [4]
        export_heads()
        assert run("verify_journal")[1] == 0

    def test_a_deleted_tenant(self, sealed, tenant):
        execute(f"DROP SCHEMA {sealed(5)} CASCADE")
        assert run("verify_journal")[1] == 1
        assert run("accept_journal", chain=tenant.id, reason="Contract ended")[1] == 0
        assert not Chain.objects.filter(id=tenant.id).exists()
        assert run("verify_journal")[1] == 0

    @pytest.mark.parametrize(
        "options",
        [
            {"tenant": "nobody", "reason": "x"},
            {"tenant": "acme", "reason": " "},
            {"tenant": "acme", "reason": "x" * 301},
            {"tenant": "acme", "reason": "a\x1b[2J"},
            {"chain": uuid.UUID(int=9), "reason": "x"},
        ],
        ids=["tenant", "blank", "long", "control", "chain"],
    )
    def test_a_mistake_is_told_in_a_line(self, sealed, options):
        sealed(3)
        _, status, why = run("accept_journal", **options)
        assert status != 0
        assert why
        assert "\n" not in why

    def test_nothing_is_accepted_when_the_file_cannot_be_written(self, sealed, heads_file, settings):
        schema = sealed(35)
        number = cut_off(schema, pointer=False)
        settings.JOURNAL = {**settings.JOURNAL, "HEADS_FILE": "/dev/full"}
        _, status, why = run("accept_journal", tenant="acme", reason="x", heads=[heads_file])
        assert status == 1
        assert "No space" in why
        assert Chain.objects.get(schema_name=schema).sealed_number == number
        assert last_segment(schema).number == number - 1
