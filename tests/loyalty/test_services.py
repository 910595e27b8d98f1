import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection, transaction

from bookings.events import BookingCancelled, BookingConfirmed
from loyalty import handlers
from loyalty.models import Account, Entry
from loyalty.selectors import balance_of, entries_of
from loyalty.services import award_points, take_back_points
from tenants.registry.context import enter_tenant
from tenants.registry.directory import forget
from tenants.registry.models import Tenant


@pytest.fixture
def ride():
    return {"user_id": uuid.uuid4(), "booking_id": uuid.uuid4()}


@pytest.mark.usefixtures("in_tenant")
def test_a_ride_earns_once(ride):
    for _ in range(3):
        award_points(**ride, fare_minor=1_899)
    assert balance_of(ride["user_id"]) == 18
    assert [entry.points for entry in entries_of(ride["user_id"])] == [18]


@pytest.mark.usefixtures("in_tenant")
@pytest.mark.parametrize(
    "order", sorted(set(itertools.permutations(["award", "award", "take back", "take back"]))), ids=" ".join
)
def test_a_cancelled_ride_earns_nothing_in_any_order_and_number(ride, order):
    other = uuid.uuid4()
    award_points(user_id=ride["user_id"], booking_id=other, fare_minor=500)
    for step in order:
        if step == "award":
            award_points(**ride, fare_minor=1_899)
        else:
            take_back_points(**ride)
    assert balance_of(ride["user_id"]) == 5
    assert sum(entry.points for entry in Entry.objects.filter(user_id=ride["user_id"])) == 5
    assert Entry.objects.filter(booking_id=other).count() == 1


@pytest.mark.usefixtures("in_tenant")
def test_the_database_refuses_a_second_entry_and_a_debt(ride):
    award_points(**ride, fare_minor=100)
    with pytest.raises(IntegrityError), transaction.atomic():
        Entry.objects.create(**ride, kind="earned", points=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Entry.objects.create(user_id=ride["user_id"], booking_id=uuid.uuid4(), kind="taken_back", points=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(user_id=ride["user_id"]).update(balance=-1)


def _event(kind, ride, **more):
    about = {"reference": "", "fare_minor": 1_899, "currency": "USD", "pickup_at": datetime.now(tz=UTC)}
    return SimpleNamespace(body=kind(**ride, **about, **more))


def _confirmed(ride):
    unicorn = {"unicorn_id": uuid.uuid4(), "unicorn_name": "Nimbus", "expected_pickup_at": datetime.now(tz=UTC)}
    return _event(BookingConfirmed, ride, **unicorn, paid_by="card")


@pytest.mark.parametrize(("flag", "points"), [({}, 18), ({"loyalty": True}, 18), ({"loyalty": False}, 0)])
def test_a_company_may_not_take_part(tenant, ride, flag, points):
    Tenant.objects.filter(id=tenant.id).update(features=flag)
    forget()
    with enter_tenant(tenant):
        handlers.booking_confirmed(_confirmed(ride))
        assert balance_of(ride["user_id"]) == points
        handlers.booking_cancelled(_event(BookingCancelled, ride, was_confirmed=True))
        assert balance_of(ride["user_id"]) == 0
    forget()


@pytest.mark.usefixtures("in_tenant")
def test_a_ride_that_was_never_confirmed_leaves_no_line(ride):
    handlers.booking_cancelled(_event(BookingCancelled, ride, was_confirmed=False))
    assert not Entry.objects.exists()


@pytest.mark.usefixtures("committed")
def test_rides_of_one_user_at_once_add_up(tenant):
    user, rides = uuid.uuid4(), [uuid.uuid4() for _ in range(4)]
    start = Barrier(8)

    def work(ride):
        try:
            start.wait(10)
            with enter_tenant(tenant), transaction.atomic():
                award_points(user_id=user, booking_id=ride, fare_minor=1_000)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, rides * 2))
    with enter_tenant(tenant):
        assert balance_of(user) == 40
        assert Entry.objects.filter(user_id=user).count() == 4
