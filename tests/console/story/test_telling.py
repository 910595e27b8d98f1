"""What a story tells of a ride, whatever became of it."""

import pytest
from django.db import connection, transaction

from audit.services import Actor
from bookings import services
from bookings.services import RideRequest
from console.story.selectors import story_by_id
from fleet.domain import Point
from messaging.deadletters.services import redrive
from messaging.models import DeadLetter
from messaging.topology import Verdict
from tenants.registry.context import enter_public
from tenants.registry.directory import forget
from tenants.registry.models import Tenant, Tier
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.story import Kind


def told(some_id, **more):
    with enter_public():
        return story_by_id(str(some_id), **more).story


def titles(story, kind):
    return [moment.title for moment in story.moments if moment.kind is kind]


def test_a_confirmed_ride(ride, drain):
    booking = ride(reference="CC-4711 Ada")
    story = told(booking.id)
    assert story.booking.id == booking.id
    assert story.tenant.slug == "acme"
    assert [moment.at for moment in story.moments] == sorted(moment.at for moment in story.moments)
    assert titles(story, Kind.RIDE) == ["Ride requested", "Ride confirmed"]
    assert titles(story, Kind.REQUEST) == [
        "Request accepted: booking",
        "The client can see: planned",
        "Booking succeeded",
    ]
    assert titles(story, Kind.UNICORN) == ["Nimbus reserved"]
    assert titles(story, Kind.CALL) == ["charge: 201"]
    assert titles(story, Kind.MONEY) == ["Fare asked for", "Fare: taken"]
    assert titles(story, Kind.EVENT) == ["payment.captured", "booking.confirmed"]
    assert "bookings.plan_ride" in titles(story, Kind.COMMAND)
    assert "loyalty.booking_confirmed: done" in titles(story, Kind.DELIVERY)
    assert "bookings.complete_ride: is due" in titles(story, Kind.DELIVERY)
    assert titles(story, Kind.POINTS) == [f"+{booking.fare_minor // 100} points"]
    assert (story.payment.captured.minor, story.payment.due.minor) == (booking.fare_minor, booking.fare_minor)
    assert not story.letters
    ahead = [moment for moment in story.moments if moment.at > story.told_at]
    assert {moment.kind for moment in ahead} == {Kind.DELIVERY}
    # Nothing of what the rider wrote or is called.
    assert "Ada" not in repr(story.moments)


def test_a_cancelled_ride_with_its_refund(ride, cancel):
    booking = ride()
    operation = cancel(booking)
    story = told(booking.id)
    assert set(titles(story, Kind.RIDE)[-2:]) == {"Payment asked back", "Ride cancelled"}
    assert titles(story, Kind.CALL) == ["charge: 201", "refund: 201"]
    assert titles(story, Kind.MONEY)[-2:] == ["Refund asked for", "Refund: given back"]
    assert "payments.refund: done" in titles(story, Kind.DELIVERY)
    assert titles(story, Kind.UNICORN) == ["Nimbus reserved", "Nimbus released"]
    assert len(titles(story, Kind.POINTS)) == 2
    assert operation.id in {one.id for one in story.operations}
    assert set(story.correlation_ids) == {booking.correlation_id, operation.correlation_id}
    assert story.payment.due.minor == 0


def test_a_provider_that_is_down_and_what_staff_did(ride, insist, ledger):
    ledger.dials(down="503", operations=["charge"])
    booking = ride(insist=insist)
    story = told(booking.id)
    assert story.booking.state == "failed"
    assert len(titles(story, Kind.ATTEMPT)) == 40
    assert len(titles(story, Kind.CALL)) == 79  # a look-up goes before each attempt but the first
    assert titles(story, Kind.LETTER) == ["payments.capture: dead letter"]
    [ahead] = story.letters
    # Nothing can be taken any more: perhaps it was, and a command of its own finds out.
    assert ahead.prospect.verdict is Verdict.OBSOLETE
    redrive([ahead.letter.id], actor=Actor.system("the test"))
    story = told(booking.id)
    assert any("deadletter." in title for title in titles(story, Kind.STAFF))
    assert story.letters[0].prospect is None


def test_a_ride_on_store_credit(ride, insist, ledger, in_tenant):
    Tier.objects.filter(code=in_tenant.tier.code).update(
        payment_failure_outcome="store_credit", store_credit_limit_minor=10**6
    )
    forget()
    ledger.dials(down="503", operations=["charge"])
    booking = ride(insist=insist)
    story = told(booking.id)
    assert story.booking.state == "confirmed"
    assert "Fare: owed as store credit" in titles(story, Kind.MONEY)
    assert "payments.capture_credit: is due" in titles(story, Kind.DELIVERY)
    [ahead] = story.letters
    # The ride stands on credit: its capture is still due.
    assert ahead.prospect.verdict is Verdict.ACT
    assert ahead.prospect.money.minor == booking.fare_minor
    forget()


def test_rides_that_share_a_correlation_id_are_told_apart(in_tenant, ledger, add_unicorn, city, drain):
    shared, user = new_id(), new_id()
    add_unicorn()
    add_unicorn()
    rides = []
    for _ in range(2):
        with transaction.atomic():
            wanted = RideRequest(pickup=city, dropoff=Point(city.latitude + 0.05, city.longitude), passengers=1)
            rides.append(services.request_booking(user_id=user, wanted=wanted, correlation_id=shared)[0])
    drain()
    with enter_public():
        answer = story_by_id(str(shared))
    assert answer.story is None
    assert {choice.booking_id for choice in answer.choices} == {one.id for one in rides}
    for one, other in (rides, reversed(rides)):
        story = told(one.id)
        assert story.others == (other.id,)
        assert titles(story, Kind.EVENT) == ["payment.captured", "booking.confirmed"]
        assert titles(story, Kind.CALL) == ["charge: 201"]
        assert titles(story, Kind.COMMAND).count("bookings.plan_ride") == 1
        assert [title for title in titles(story, Kind.DELIVERY) if title.startswith("bookings.plan_ride")] == [
            "bookings.plan_ride: done"
        ]


def test_a_story_is_read_only(ride, cancel):
    booking = ride()
    cancel(booking)
    before = DeadLetter.objects.count()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        assert told(booking.id).moments
        transaction.set_rollback(True)
    assert DeadLetter.objects.count() == before


@pytest.mark.parametrize("suspended", [False, True], ids=["active", "suspended"])
def test_a_suspended_companys_rides_are_told_too(ride, in_tenant, suspended):
    booking = ride()
    if suspended:
        with enter_public():
            Tenant.objects.filter(id=in_tenant.id).update(status="suspended")
        forget()
    assert told(booking.id).booking.id == booking.id
    forget()
