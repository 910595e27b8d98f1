"""Any id leads to its ride, quickly; what is no id or nobody's is said so."""

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from console.story import finding, selectors, telling
from console.story.asking import read_wanted
from console.story.finding import PLATFORM, find
from console.story.selectors import NotEverywhereAsked, story_by_id
from fleet.models import Reservation
from loyalty.models import Entry
from messaging.journal.models import Message, OutboundCall, Trace
from messaging.models import Delivery
from messaging.story import journal
from messaging.topology import Verdict
from notifications.models import Push
from notifications.services import set_endpoint
from payments.models import Charge, Refund
from tenants.onboarding.services import start_onboarding
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import forget
from tenants.registry.models import Tenant
from tests.console.conftest import letter
from tests.notifications.conftest import receiver  # noqa: F401  # a fixture
from wildrydes.kernel.errors import InvalidInput, NotFound
from wildrydes.kernel.ids import new_id

KEY = "order 66/2026"


def story(some_id, **more):
    with enter_public():
        answer = story_by_id(str(some_id), **more)
    assert answer.story is not None, answer.choices
    return answer.story


@pytest.fixture
def rich_ride(tenant, api_client, city, ledger, add_unicorn, drain, receiver):  # noqa: F811
    """A ride asked for through the API, told to a webhook, then cancelled; answers its id."""
    add_unicorn()
    with enter_tenant(tenant), transaction.atomic():
        set_endpoint(url=receiver.url)
    body = {
        "pickup": {"latitude": city.latitude, "longitude": city.longitude},
        "dropoff": {"latitude": city.latitude + 0.05, "longitude": city.longitude},
        "passengers": 1,
        "reference": "CC-4711",
    }
    rider = api_client(tenant)
    headers = {"Idempotency-Key": KEY.replace(" ", "-"), "X-Request-Id": str(new_id())}
    answer = rider.post("/api/v1/bookings", json.dumps(body), content_type="application/json", headers=headers)
    assert answer.status_code == 202, answer.content
    drain()
    resource = answer.json()["links"]["resource"]
    cancelled = rider.post(
        f"{resource}/cancellation", "{}", content_type="application/json", headers={"Idempotency-Key": "k2"}
    )
    assert cancelled.status_code == 202, cancelled.content
    drain()
    return resource.rsplit("/", 1)[-1], headers["X-Request-Id"], answer.headers["Location"], cancelled.json()["id"]


def test_any_id_leads_to_the_ride(rich_ride, tenant):
    booking, request_id, location, cancellation = rich_ride
    with enter_tenant(tenant):
        refund, charge = Refund.objects.get(), Charge.objects.get()
        messages = Message.objects.filter(correlation_id=request_id)
        wanted = {
            "booking": booking,
            "its address, pasted": f"https://acme.wildrydes.example/api/v1/bookings/{booking}?x=1",
            "in capitals, without dashes": booking.upper().replace("-", ""),
            "operation's address": location,
            "cancellation": cancellation,
            "correlation id": request_id,
            "the cancellation's correlation id": Message.objects.exclude(correlation_id=request_id)
            .filter(topic="operation.expire").latest("occurred_at").correlation_id,
            "charge": charge.id,
            "refund": refund.id,
            "charge's key": charge.idempotency_key,
            "refund's key": refund.idempotency_key,
            "provider's charge": charge.provider_ref,
            "provider's refund": refund.provider_ref,
            "client's key": KEY.replace(" ", "-"),
            "client's reference": "CC-4711",
            "reservation": Reservation.objects.get(booking_id=booking).id,
            "delivery that waits": Delivery.objects.filter(correlation_id=request_id).first().id,
            **{f"message {one.topic}": one.id for one in messages},
            **{f"delivery {one.handler}": one.id for one in Trace.objects.filter(correlation_id=request_id)},
            **{f"call {one.purpose}": one.id for one in OutboundCall.objects.all()},
            **{f"points {one.kind}": one.id for one in Entry.objects.all()},
            **{f"webhook {one.type}": one.id for one in Push.objects.all()},
        }  # fmt: skip
    assert len(wanted) > 35
    found = {name: str(story(some_id).booking.id) for name, some_id in wanted.items()}
    assert {name for name, found_id in found.items() if found_id != booking} == set()
    by_company = {name: str(story(some_id, company="acme").booking.id) for name, some_id in wanted.items()}
    assert by_company == found


def test_a_company_that_does_not_have_it_does_not_tell(rich_ride):
    for some_id in rich_ride[:2]:
        with pytest.raises(NotFound):
            story(some_id, company="globex")
    with pytest.raises(NotFound):
        story(rich_ride[0], company="nobody")


def test_the_same_reference_at_two_companies_is_to_be_chosen_from(ride, ask, other_tenant, in_tenant):
    first = ride(reference="CC-1")
    with enter_tenant(other_tenant):
        second = ask(reference="CC-1")
    with enter_public():
        answer = story_by_id("CC-1")
    assert {(one.tenant.slug, one.booking_id) for one in answer.choices} == {("acme", first.id), ("globex", second.id)}
    assert story("CC-1", company="globex").booking.id == second.id
    assert story(second.id).tenant.slug == "globex"


def test_a_correlation_id_that_another_company_chose_too(ride, other_tenant, ask, in_tenant):
    booking = ride()
    with enter_tenant(other_tenant):
        theirs = ask()
        Message.objects.create(kind="event", topic="x", version=1, payload={}, correlation_id=booking.correlation_id)
    with enter_public():
        choices = story_by_id(str(booking.correlation_id)).choices
    assert {one.tenant.slug for one in choices} == {"acme", "globex"}
    assert booking.correlation_id not in story(theirs.id).correlation_ids


@pytest.mark.parametrize("typed", ["", "   ", "x" * 301, "a\x00b", "a\nb", "\u202e", "\ud800"], ids=ascii)
def test_what_can_be_no_id(tenant, typed):
    with pytest.raises(InvalidInput):
        read_wanted(typed)


@pytest.mark.parametrize(
    "typed",
    ["nobody's", "01a1fc19-bbe5-7bb0-912f-22af087fb57b", "' OR 1=1 --", "%s %(x)s {s}", "<script>", "🦄", "0" * 300],
    ids=ascii,
)
def test_what_nobody_has(tenant, typed):
    with pytest.raises(NotFound, match="Nobody knows this id"):
        story(typed)


def test_a_company_that_is_gone_leaves_what_public_knows(db):
    dead = letter(new_id(), reason="rejected")
    for some_id in (dead.id, dead.correlation_id):
        told = story(some_id)
        assert (told.booking, told.tenant, told.tenant_id) == (None, None, dead.tenant_id)
        assert [moment.title for moment in told.moments] == ["payments.capture: dead letter"]
        assert told.letters[0].prospect.verdict is Verdict.UNKNOWN


def test_a_company_that_is_half_made(tenant):
    dead = letter(tenant.id)
    Tenant.objects.filter(id=tenant.id).update(status="onboarding")
    forget()
    assert [moment.title for moment in story(dead.id).moments] == ["payments.capture: dead letter"]
    forget()


def test_the_platforms_own_messages(db, drain):
    run = start_onboarding(name="Umbrella", slug="umbrella", tier="basic", currency="EUR", email="a@umbrella.example")
    drain()
    with enter_public():
        choices = story_by_id(str(run.id)).choices
    assert {one.tenant.slug if one.tenant else PLATFORM for one in choices} == {PLATFORM, "umbrella"}
    assert "tenant.provisioned" in [moment.title for moment in story(run.id, company="umbrella").moments]
    told = story(run.id, company=PLATFORM)
    assert (told.tenant_id, told.booking) == (None, None)
    titles = [moment.title for moment in told.moments]
    assert titles[0] == "onboarding.provision"
    assert "onboarding.provision: done" in titles


def test_a_schema_older_than_the_code_hides_no_other(ride, other_tenant, in_tenant):
    booking = ride()
    Reservation.objects.all().delete()
    with enter_tenant(other_tenant), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE journal_outboundcall RENAME TO journal_elsewhere")
    assert story(booking.id).booking.id == booking.id


def test_when_the_time_is_up_the_company_has_to_be_named(ride, monkeypatch):
    booking = ride()
    Reservation.objects.all().delete()
    monkeypatch.setattr(finding, "SCHEMAS_AT_ONCE", 1)
    monkeypatch.setattr(
        selectors, "find", lambda wanted, company: find(wanted, company=company, seconds=-1 + 2 * bool(company))
    )
    with pytest.raises(NotEverywhereAsked, match="0 of 2 companies"):
        story(booking.id)
    assert story(booking.id, company="acme").booking.id == booking.id


def test_a_reserved_ride_is_found_without_looking_into_schemas(ride):
    booking = ride()
    with enter_public(), CaptureQueriesContext(connection) as statements:
        search = find(read_wanted(str(booking.id)))
    assert search.found[0].booking_id == booking.id
    assert not any("UNION" in one["sql"] for one in statements)


def test_a_story_of_very_many_is_cut_and_told_in_few_statements(ride, in_tenant, monkeypatch):
    monkeypatch.setattr(telling, "MOST", 200)
    monkeypatch.setattr(journal, "MOST", 200)
    booking = ride()
    Message.objects.bulk_create(
        Message(kind="event", topic="x.happened", version=1, payload={}, correlation_id=booking.correlation_id)
        for _ in range(250)
    )
    with CaptureQueriesContext(connection) as statements:
        told = story(booking.id)
    assert told.is_cut
    assert 200 <= len(told.moments) < 250
    assert len(statements) < 60
