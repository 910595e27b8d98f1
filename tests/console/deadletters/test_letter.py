import json
import uuid

import pytest
from django.utils.timezone import now

from audit.models import Entry
from bookings.models import Booking
from messaging.deadletters import services
from messaging.errors import Reject
from messaging.journal.models import HandlerError
from messaging.models import DeadLetter, Delivery, ItemState, RedriveItem, RedriveRun
from tenants.registry.context import enter_tenant
from tests.console.conftest import browser, letter, reverse, text_of
from tests.messaging.sample import DoThing
from wildrydes.kernel.ids import new_id

SECRET = "Rita's card 4242"
EVIL = "<script>alert(1)</script>"


def at(name, letter, *more):
    return reverse(f"admin:{name}", args=(letter.id, *more))


def page_of(client, letter):
    return client.get(at("messaging_deadletter_change", letter))


@pytest.fixture
def rejected(dead):
    """A letter whose message and error hold what is not for every eye."""
    return dead(
        DoThing(thing_id=uuid.uuid4(), note=f"{SECRET} </pre></textarea>{EVIL}"),
        error=Reject(f"no {SECRET} {EVIL} \x00"),
    )


@pytest.fixture
def support(db):
    return browser(role="support")


@pytest.fixture
def operator(db):
    return browser(role="operator")


def test_a_letter_tells_what_happened_and_nothing_of_what_was_said(rejected, support):
    text = text_of(page_of(support, rejected))
    assert "messaging.errors.Reject" in text
    assert "Tried 1 time" in text
    assert str(rejected.correlation_id) in text
    assert "Its handler said that it can never succeed" in text
    assert "If redriven now:" in text or "Nothing is left to do:" in text
    assert "It belongs to no ride." in text
    assert SECRET not in text
    assert not Entry.objects.exists()


def test_the_ride_that_it_belongs_to_is_shown_by_its_state_alone(tenant, dead, support):
    found = dead()
    with enter_tenant(tenant):
        booking = Booking.objects.create(
            user_id=new_id(), operation_id=new_id(), correlation_id=found.correlation_id, pickup_latitude=1,
            pickup_longitude=1, dropoff_latitude=1, dropoff_longitude=1, passengers=1, pickup_at=now(), distance_m=5_000,
            fare_minor=1_234, currency="USD", payment_source="tok_rita", requested_at=now(), deadline_at=now(),
            pickup_label="Rita's home", reference="secret",
        )  # fmt: skip
    text = text_of(page_of(support, found))
    assert "Ride Requested 12.34 USD" in text
    assert str(booking.id) in text
    assert "Rita" not in text
    assert "secret" not in text
    assert "tok_" not in text


def test_the_payload_is_shown_on_demand_and_that_look_is_on_record(rejected, support):
    show = at("deadletters_payload", rejected)
    assert support.get(show).status_code == 405
    answer = support.post(show)
    assert SECRET in text_of(answer)
    assert EVIL not in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    entry = Entry.objects.get()
    assert (entry.action, entry.subject_id) == ("deadletter.payload_viewed", str(rejected.id))
    assert SECRET not in str(entry.details)
    assert SECRET not in text_of(page_of(support, rejected))


def test_the_text_of_an_error_is_shown_on_demand(rejected, support, tenant):
    with enter_tenant(tenant):
        error = HandlerError.objects.get(delivery_id=rejected.id)
    show = at("deadletters_error", rejected, error.id)
    assert support.get(show).status_code == 405
    answer = support.post(show)
    assert SECRET in text_of(answer)
    assert "Traceback" in text_of(answer)
    assert EVIL not in answer.content.decode()
    assert Entry.objects.get().action == "deadletter.error_viewed"
    assert support.post(at("deadletters_error", rejected, new_id())).status_code == 404


def test_redriving_asks_first_and_then_sends_once(rejected, support):
    redrive = at("deadletters_redrive", rejected)
    assert "Redrive this letter?" in support.get(redrive).content.decode()
    assert not Delivery.objects.exists()
    assert support.post(redrive).headers["Location"] == at("messaging_deadletter_change", rejected)
    assert "is open again" not in text_of(support.get(redrive))
    again = support.post(redrive, follow=True)  # a second click, or a colleague's
    assert Delivery.objects.count() == 1
    assert "Ada" not in text_of(again)
    assert DeadLetter.objects.get().state == "redriving"
    assert [entry.action for entry in Entry.objects.all()] == ["deadletter.redrive"]


def test_what_cannot_be_sent_says_why(rejected, support):
    DeadLetter.objects.update(message_id=new_id())
    text = text_of(page_of(support, rejected))
    assert "It cannot be redriven now: The message is not in the journal" in text
    assert "Redrive …" not in text
    assert "The message is not in the journal" in text_of(support.get(at("deadletters_redrive", rejected)))
    told = support.post(at("deadletters_redrive", rejected), follow=True)
    assert "not in the journal" in told.content.decode()
    assert "not in the journal" in support.post(at("deadletters_payload", rejected), follow=True).content.decode()


def test_a_letter_that_a_run_has_leads_to_it(rejected, operator):
    run = RedriveRun.objects.create(
        selection={}, rate=1, max_failures=1, actor_kind="staff", actor_id="1", actor_name="a"
    )
    RedriveItem.objects.create(run=run, letter_id=rejected.id, state=ItemState.WAITING)
    text = page_of(operator, rejected).content.decode()
    assert reverse("admin:messaging_redriverun_change", args=(run.id,)) in text
    assert "Redrive …" not in text


def test_discarding_takes_a_reason(rejected, operator):
    discard = at("deadletters_discard", rejected)
    assert operator.get(discard).status_code == 200
    for wrong in (
        {},
        {"reason": ""},
        {"reason": "x"},
        {"reason": "a\x00bc"},
        {"reason": "y" * 501},
        {"reason": "   \n "},
    ):
        answer = operator.post(discard, wrong)
        assert answer.status_code == 200
        assert "Say why" in answer.content.decode()
    assert DeadLetter.objects.get().state == "open"
    assert operator.post(discard, {"reason": f"Known bug {EVIL}"}).status_code == 302
    found = DeadLetter.objects.get()
    assert (found.state, found.resolution_note) == ("discarded", f"Known bug {EVIL}")
    page = page_of(operator, rejected)
    assert EVIL not in page.content.decode()
    assert "Discarded 0 s ago" in text_of(page)
    assert "discarded" in operator.post(discard, {"reason": "once more"}, follow=True).content.decode().lower()


def test_editing_opens_the_message_audited_and_sends_what_fits(rejected, operator, drain, recorder):
    edit = at("deadletters_edit", rejected)
    assert operator.get(edit).status_code == 405
    form = operator.post(edit)
    assert SECRET in text_of(form)
    assert EVIL not in form.content.decode()
    assert [entry.action for entry in Entry.objects.all()] == ["deadletter.payload_viewed"]
    said = services.look_at_payload(rejected.id, actor=services.Actor.system("test"))
    answer = operator.post(edit, {"payload": json.dumps({**said, "note": "harmless"})})
    assert answer.headers["Location"] == at("messaging_deadletter_change", rejected)
    assert DeadLetter.objects.get().state == "replaced"
    drain()
    assert recorder.seen[-1].body.note == "harmless"
    assert "Edited and sent" in text_of(page_of(operator, rejected))


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        "[]",
        "null",
        '{"thing_id": 5}',
        '{"thing_id": "no id"}',
        '{"note": "\\u0000"}',
        '{"a": 1, "a": 2}',
        "[" * 100_000,
        '{"thing_id": NaN}',
        '{"<script>alert(1)</script>": 1}',
        "x" * 300_000,
        "\ud800".encode("utf-16", "surrogatepass").decode("latin-1"),
    ],
    ids=lambda payload: payload[:20].encode("unicode_escape").decode() or "nothing",
)
def test_a_message_that_does_not_fit_is_told_where(rejected, operator, payload):
    answer = operator.post(at("deadletters_edit", rejected), {"payload": payload})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert EVIL not in answer.content.decode()
    assert DeadLetter.objects.get().state == "open"


def test_several_are_discarded_at_once(tenant, operator):
    chosen = [letter(tenant.id).id for _ in range(3)]
    discard = reverse("admin:deadletters_discard_selected")
    form = operator.post(discard, {"ids": chosen})
    assert "Discard 3 letters?" in form.content.decode()
    assert "Say why" in operator.post(discard, {"ids": chosen, "reason": ""}).content.decode()
    assert operator.post(discard, {"ids": chosen, "reason": "All of a test's"}).status_code == 302
    assert set(DeadLetter.objects.values_list("state", flat=True)) == {"discarded"}


@pytest.mark.parametrize(
    "posted",
    [
        {},
        {"ids": "x"},
        {"ids": ["\x00"], "reason": "because"},
        {"ids": [str(new_id())] * 501},
        {"ids": str(new_id()), "reason": "none"},
    ],
    ids=["none", "no id", "NUL", "too many", "gone"],
)
def test_ticks_that_cannot_be_meant_are_told(operator, posted):
    answer = operator.post(reverse("admin:deadletters_discard_selected"), posted, follow=True)
    assert answer.status_code == 200
    assert "messages" in answer.context
    assert [str(each) for each in answer.context["messages"]]


@pytest.mark.parametrize("name", ["messaging_deadletter_change", "deadletters_redrive", "deadletters_discard"])
def test_a_letter_that_is_not_there_is_not_found(operator, name):
    assert operator.get(reverse(f"admin:{name}", args=(new_id(),))).status_code == 404
    for posted in ("deadletters_payload", "deadletters_redrive", "deadletters_discard", "deadletters_edit"):
        assert operator.post(reverse(f"admin:{posted}", args=(new_id(),)), {"reason": "because"}).status_code == 404


def test_a_letter_of_a_company_that_is_gone_or_of_the_platform_is_shown(db, operator):
    for tenant_id, company in ((new_id(), "A company that is gone"), (None, "Platform")):
        shown = page_of(operator, letter(tenant_id, error_class="", crashes=3))
        assert shown.status_code == 200
        assert company in text_of(shown)
