import pytest
from django.db import transaction

from audit.models import Entry
from audit.services import Actor, record
from tests.console.conftest import browser, reverse, text_of
from wildrydes.kernel.ids import new_id

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def auditor(db):
    return browser(role="auditor")


def act(name="ada@staff.example", action="deadletter.redrive", **fields):
    with transaction.atomic():
        given = {"subject_type": "deadletter", "subject_id": str(new_id()), **fields}
        record(actor=Actor.system(name), action=action, **given)


def found(client, query=""):
    answer = client.get(reverse("admin:audit_entry_changelist") + query)
    assert answer.status_code == 200
    return answer


def test_entries_tell_who_did_what_to_whom_and_why(auditor, tenant):
    details = {"handler": EVIL, "count": 3, "done": False, "run": str(new_id())}
    act(tenant_id=tenant.id, reason=f"Known {EVIL}", details=details, subject_id=EVIL)
    answer = found(auditor)
    text = text_of(answer)
    assert "ada@staff.example The system itself deadletter.redrive" in text
    assert "Acme" in text
    assert "done: no, count: 3" in text
    assert EVIL not in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("", {"a.one", "b.two"}),
        ("?who=ADA", {"a.one"}),
        ("?action=b.", {"b.two"}),
        ("?tenant=acme", {"a.one"}),
        ("?kind=staff", set()),
        ("?kind=system&who=bob", {"b.two"}),
        ("?since=2200-01-01", set()),
        ("?until=2020-01-01", set()),
        ("?since=2020-01-01", {"a.one", "b.two"}),
        ("?kind=nonsense", set()),
        ("?subject=" + "0" * 64, set()),
    ],
)
def test_filters(auditor, tenant, query, actions):
    act("ada", "a.one", tenant_id=tenant.id)
    act("bob", "b.two")
    assert {entry.action for entry in found(auditor, query).context["page"].items} == actions


@pytest.mark.parametrize(
    "query",
    [
        "?who=%00",
        "?since=yesterday",
        "?until=0001-01-01",
        "?until=9999-12-31",
        "?tenant=nobody",
        "?action=" + "x" * 300,
    ],
)
def test_a_filter_that_cannot_be_meant_is_told(auditor, query):
    act()
    answer = found(auditor, query)
    assert answer.context["asked"].error
    assert not answer.context["page"].items


def test_nobody_changes_it(auditor, db):
    assert auditor.post(reverse("admin:audit_entry_changelist"), {"action": "delete_selected"}).status_code == 405
    act()
    assert Entry.objects.count() == 1
