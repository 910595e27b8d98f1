import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import Entry
from audit.services import Actor, NotInTransaction, record
from tenants.identity.models import User
from tenants.registry.context import enter_tenant

ACTOR = Actor.system("a job")


def write(**fields):
    with transaction.atomic():
        record(**{"actor": ACTOR, "action": "thing.do", "subject_type": "thing", "subject_id": "1", **fields})


def test_an_act_is_written_down_with_who_and_when(db):
    user = User(email="ada@example.com")
    tenant_id = uuid.uuid4()
    write(actor=Actor.of_user(user), tenant_id=tenant_id, reason="because", details={"count": 3, "all": True})
    entry = Entry.objects.get()
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("staff", str(user.pk), "ada@example.com")
    assert (entry.action, entry.subject_type, entry.subject_id, entry.tenant_id) == (
        "thing.do",
        "thing",
        "1",
        tenant_id,
    )
    assert (entry.reason, entry.details) == ("because", {"count": 3, "all": True})
    assert entry.happened_at is not None


def test_the_entry_is_in_public_also_from_within_a_tenant(tenant):
    with enter_tenant(tenant):
        write()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM public.audit_entry")
        assert cursor.fetchone() == (1,)


def test_an_entry_goes_with_its_act(committed):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        write()
        raise ZeroDivisionError
    assert not Entry.objects.exists()
    with pytest.raises(NotInTransaction):
        record(actor=ACTOR, action="thing.do", subject_type="thing", subject_id="1")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET reason = 'another'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
    ],
    ids=["update", "delete", "truncate"],
)
def test_what_is_written_stays(db, change):
    write()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert Entry.objects.count() == 1


def test_the_guard_is_on_for_replicated_changes_too(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgenabled FROM pg_trigger WHERE tgname = 'audit_entry_append_only'")
        assert cursor.fetchall() == [("A",)]


@pytest.mark.parametrize("action", ["", "do", "Thing.do", "thing.do now", "thing.do\n", "a.b.c"])
def test_an_action_is_area_and_verb(db, action):
    with pytest.raises(ValueError, match=r"area\.verb"):
        write(action=action)


def test_what_cannot_be_stored_is_replaced_and_what_is_too_long_cut(db):
    write(actor=Actor.system("x" * 300), reason="a\x00b\ud800\x1b[31m" + "x" * 600, details={"text": "\x00"})
    entry = Entry.objects.get()
    assert entry.reason.startswith("a?b??[31mx")
    assert (len(entry.reason), len(entry.actor_name), entry.details) == (500, 254, {"text": "?"})


def test_a_command_is_whoever_runs_it(db):
    write(actor=Actor.command())
    assert Entry.objects.get().actor_name


def test_a_command_without_a_name_for_its_user(db, monkeypatch):
    monkeypatch.setattr("os.getuid", lambda: 987_654)
    assert Actor.command().name == "uid 987654"


def test_a_command_is_not_who_the_environment_says(monkeypatch):
    said = Actor.command()
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "somebody-else")
    assert Actor.command() == said
