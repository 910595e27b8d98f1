import pytest

from messaging.models import DeadLetter
from tenants.registry.models import Tenant
from tests.console.conftest import browser, letter, reverse, text_of
from wildrydes.kernel.ids import new_id

CAUSES, LETTERS = "admin:messaging_deadletter_changelist", "admin:deadletters_letters"


@pytest.fixture
def looker(db):
    return browser("messaging.view_deadletter")


def causes_at(client, query=""):
    answer = client.get(reverse(CAUSES) + query)
    assert answer.status_code == 200
    return [(each.cause.fingerprint, each.cause.open) for each in answer.context["causes"]]


def letters_at(client, query=""):
    answer = client.get(reverse(LETTERS) + query)
    assert answer.status_code == 200
    return [each.id for each in answer.context["page"].items]


def test_letters_are_grouped_by_cause_with_the_unanswered_first(looker, tenant, other_tenant):
    for _ in range(3):
        letter(tenant.id, fingerprint="many")
    letter(other_tenant.id, fingerprint="many", handler="payments.capture")
    letter(tenant.id, fingerprint="unanswered", outcome_committed=False, error_class="")
    letter(tenant.id, fingerprint="closed", state="discarded")
    assert causes_at(looker) == [("unanswered", 1), ("many", 4)]
    text = text_of(looker.get(reverse(CAUSES)))
    assert "OutboundNotSent payments.capture Its handler failed too often · payments" in text
    assert "4 open First 0 s ago Last 0 s ago Companies 2" in text
    assert "Its handler failed too often payments.capture" in text  # a cause without an error is called by its reason
    assert "1 without an outcome" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?tenant=acme", {"a"}),
        ("?tenant=globex", {"b"}),
        ("?tenant=platform", {"p"}),
        ("?tier=premium", {"b"}),
        ("?topic=booking.confirmed", {"b"}),
        ("?handler=loyalty.booking_confirmed", {"b"}),
        ("?queue_class=control", {"p"}),
        ("?state=discarded", {"d"}),
        ("?state=any", {"a", "b", "p", "d"}),
        ("?fingerprint=a", {"a"}),
        ("?older_than=1h", set()),
        ("?older_than=0s", {"a", "b", "p"}),
        ("?tenant=acme&tier=premium", set()),
        ("?unknown=1&page=7", {"a", "b", "p"}),
    ],
)
def test_filters(looker, tenant, other_tenant, query, found):
    letter(tenant.id, fingerprint="a")
    letter(other_tenant.id, fingerprint="b", topic="booking.confirmed", handler="loyalty.booking_confirmed")
    letter(None, fingerprint="p", queue_class="control")
    letter(tenant.id, fingerprint="d", state="discarded")
    assert {cause for cause, _ in causes_at(looker, query)} == found
    ids = set(letters_at(looker, query.replace("&page=7", "")))
    assert set(DeadLetter.objects.filter(id__in=ids).values_list("fingerprint", flat=True)) == found


@pytest.mark.parametrize(
    "query",
    [
        "?tenant=nobody",
        "?tenant=%00",
        "?state=open%27%20OR%201=1--",
        "?queue_class=<script>alert(1)</script>",
        "?older_than=1y",
        "?older_than=999999w",
        "?older_than=-1h",
        "?fingerprint=" + "x" * 5_000,
        "?topic=%ed%a0%80%00",
        "?handler=a%0ab",
    ],
)
@pytest.mark.parametrize("page", [CAUSES, LETTERS])
def test_a_filter_that_cannot_be_meant_is_told(looker, tenant, page, query):
    letter(tenant.id)
    answer = looker.get(reverse(page) + query)
    assert answer.status_code == 200
    assert answer.context["asked"].error
    assert 'role="alert"' in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


@pytest.mark.parametrize(
    ("page", "number"),
    [("0", 1), ("-1", 1), ("x", 1), ("2", 2), ("99999999999999999999", 1), ("201", 200), ("%C2%B2", 1), ("", 1)],
)
def test_any_page_can_be_asked_for(looker, tenant, page, number):
    letter(tenant.id)
    answer = looker.get(reverse(LETTERS) + f"?page={page}")
    assert answer.context["page"].number == number


def test_pages_follow_one_another_and_keep_the_filters(looker, tenant):
    for _ in range(51):
        letter(tenant.id)
    first = looker.get(reverse(LETTERS) + "?tenant=acme").context["page"]
    assert (len(first.items), first.before, first.after) == (50, "", "?tenant=acme&page=2")
    second = looker.get(reverse(LETTERS) + first.after).context["page"]
    assert (len(second.items), second.before, second.after) == (1, "?tenant=acme&page=1", "")
    assert not {row.id for row in first.items} & {row.id for row in second.items}


def test_hostile_names_and_errors_are_shown_as_text(looker, other_tenant):
    evil = "<img src=x onerror=alert(1)>"
    Tenant.objects.filter(id=other_tenant.id).update(name=evil)
    letter(other_tenant.id, error_class=f"{evil}." + "E" * 150, handler=evil)
    letter(new_id(), fingerprint="gone")
    for page in (CAUSES, LETTERS):
        content = looker.get(reverse(page)).content.decode()
        assert evil not in content
        assert "&lt;img" in content
    assert "A company that is gone" in content


def test_buttons_are_for_those_who_may_press_them(looker, tenant):
    letter(tenant.id)
    for page in (CAUSES, LETTERS):
        assert "…" not in text_of(looker.get(reverse(page)))
        assert "Redrive" in text_of(browser(role="operator").get(reverse(page)))
    assert 'name="ids"' not in looker.get(reverse(LETTERS)).content.decode()
