"""The page and the command: who may look, what is on record, and what no input does."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from audit.models import Entry
from messaging.journal.models import HandlerError, Message
from messaging.models import Delivery
from tenants.registry.context import enter_public, enter_tenant
from tests.console.conftest import browser, letter, reverse
from wildrydes.kernel.ids import new_id

PAGE, ERROR = reverse("admin:story"), reverse("admin:story_error")
TRIED = 'story-title">payments.capture: attempt '
EVIL = '<script>alert("x")</script>'


@pytest.fixture
def looker(db):
    return browser("console.view_story")


@pytest.fixture
def troubled(ride, ledger, insist):
    """A ride whose payment was given up, after eleven attempts that are on record."""

    def nearly(handler):
        Delivery.objects.filter(handler=handler).update(attempts=30)
        insist(handler)

    ledger.dials(down="503", operations=["charge"])
    return ride(insist=nearly)


def page_of(client, some_id, **more):
    answer = client.get(PAGE, {"id": str(some_id), **more})
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_those_who_may_look(db, looker):
    assert looker.get(PAGE).status_code == 200
    assert browser().get(PAGE).status_code == 403
    assert Client(headers={"host": "localhost"}).get(PAGE).status_code == 302
    assert Client(headers={"host": "acme.localhost"}).get(PAGE).status_code == 404
    assert looker.post(PAGE).status_code == 405


@pytest.mark.parametrize("role", ["support", "operator", "auditor", "administrator"])
def test_every_role_may_look(as_role, role):
    assert as_role(role).get(PAGE).status_code == 200


def test_a_ride_with_trouble_is_told_in_short_and_at_length(looker, troubled):
    text = page_of(looker, troubled.id)
    assert "payments.capture is in the dead letters" in text
    assert "more attempts like these" in text
    assert text.count(TRIED) == 5
    everything = page_of(looker, troubled.id, all="")
    assert everything.count(TRIED) == 11
    assert "more attempts like these" not in everything
    # Without the permission nobody is offered what the errors said, and it is not in the page.
    assert "What it said" not in everything
    assert "answered 503" not in everything


def test_what_an_error_said_takes_a_permission_and_is_on_record(looker, troubled, in_tenant):
    error = HandlerError.objects.filter(correlation_id=troubled.correlation_id).first()
    wanted = {"error": str(error.id), "company": in_tenant.slug}
    assert looker.post(ERROR, wanted).status_code == 403
    assert not Entry.objects.filter(action="story.error_viewed").exists()
    with enter_public():
        reader = browser("console.view_story", "messaging.view_deadletter_payload")
    assert reader.get(ERROR).status_code == 405
    answer = reader.post(ERROR, wanted)
    assert "The payment provider answered 503." in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    [entry] = Entry.objects.filter(action="story.error_viewed")
    assert (entry.subject_id, entry.tenant_id) == (str(troubled.correlation_id), in_tenant.id)
    assert "503" not in str(entry.details)
    assert "story.error_viewed" in page_of(reader, troubled.id)
    for wrong in (
        {},
        {"error": "x"},
        {"error": str(new_id())},
        wanted | {"company": "globex"},
        wanted | {"company": "\x00"},
    ):
        assert reader.post(ERROR, wrong).status_code == 404
    assert Entry.objects.filter(action="story.error_viewed").count() == 1


@pytest.mark.parametrize(
    "query",
    [
        {"id": EVIL}, {"id": "x" * 5_000}, {"id": "a\x00b"}, {"id": "' OR 1=1 --"}, {"id": "%s%(x)s{s}"},
        {"id": "abc", "company": EVIL}, {"id": "abc", "company": "\x00"}, {"id": "abc", "company": "public"},
        {"company": "acme"}, {"id": "0" * 32, "page": "-1"},
    ],
    ids=lambda query: ascii(query)[:30],
)  # fmt: skip
def test_no_input_harms(looker, tenant, query):
    answer = looker.get(PAGE, query)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", "2"])
def test_a_page_that_is_not_there_is_the_nearest_one(looker, ride, page):
    assert "Ride confirmed" in page_of(looker, ride().id, page=page)


def test_what_others_wrote_is_text(looker, ride, in_tenant):
    booking = ride(reference=EVIL)
    Message.objects.create(kind="event", topic=EVIL, version=1, payload={}, correlation_id=booking.correlation_id)
    letter(
        in_tenant.id, correlation_id=booking.correlation_id, handler=EVIL, error_class=EVIL, resolution_note=EVIL,
        resolved_by=EVIL, resolved_at=booking.requested_at, state="discarded",
    )  # fmt: skip
    HandlerError.objects.create(
        delivery_id=new_id(), message_id=new_id(), correlation_id=booking.correlation_id, handler=EVIL, attempt=1,
        error_class=EVIL, text=EVIL, traceback=EVIL,
    )  # fmt: skip
    text = page_of(looker, booking.id)
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") >= 4


def test_a_story_of_thousands_has_pages(looker, ride, in_tenant):
    booking = ride()
    Message.objects.bulk_create(
        Message(kind="event", topic="x.happened", version=1, payload={}, correlation_id=booking.correlation_id)
        for _ in range(5_000)
    )
    text = page_of(looker, booking.id)
    assert text.count('class="story-moment') == 300
    assert "There is more than is told here" in text
    assert "1 of 17" in text
    assert text.count("<circle") + text.count("<rect") + text.count("<path") < 600
    assert "17 of 17" in page_of(looker, booking.id, page=17)


def test_several_are_offered_to_choose_from(looker, ride, ask, in_tenant, other_tenant):
    ride(reference="CC-1")
    with enter_tenant(other_tenant):
        ask(reference="CC-1")
    text = page_of(looker, "CC-1")
    assert "Several have this id" in text
    assert "company=acme" in text
    assert "company=globex" in text


def tell(*arguments):
    out = io.StringIO()
    with enter_public():
        call_command("story", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_tells_the_same(troubled):
    text = tell(str(troubled.id))
    assert f"booking     {troubled.id}  failed" in text
    assert "dead letter" in text
    assert "nothing is left to do. The fare is settled" in text
    assert "… 6 more attempts like these" in text
    assert text.index("Ride requested") < text.index("Ride failed")
    assert tell(str(troubled.id), "--all", "--company", "acme").count(": attempt ") == 11


def test_the_command_offers_a_choice(ride, ask, in_tenant, other_tenant):
    ride(reference="CC-1")
    with enter_tenant(other_tenant):
        booking = ask(reference="CC-1")
    assert f"manage.py story {booking.id} --company globex" in tell("CC-1")


@pytest.mark.parametrize("wrong", ["", "nobody's", "x" * 400, "\x00"], ids=ascii)
def test_the_commands_mistakes_are_one_line(tenant, wrong):
    with pytest.raises(CommandError) as caught:
        tell(wrong)
    assert "\n" not in str(caught.value)
