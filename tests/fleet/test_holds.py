"""Holds end by themselves; confirmed reservations do not. One unicorn may be asked for by name."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.models import Reservation
from fleet.services import confirm_reservation, release_expired, reserve_unicorn
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def reserve(city):
    def take(*, booking_id=None, hold=None, unicorn=None, passengers=1):
        now = timezone.now()
        return reserve_unicorn(
            tenant_id=new_id(),
            booking_id=booking_id or new_id(),
            pickup=city,
            passengers=passengers,
            start=now,
            end=now + timedelta(hours=1),
            hold_until=None if hold is None else now + hold,
            unicorn_id=unicorn and unicorn.id,
        )

    return take


def test_a_hold_that_was_not_confirmed_gives_the_unicorn_back(add_unicorn, reserve):
    add_unicorn()
    assert reserve(hold=timedelta(seconds=-1))
    assert reserve() is None
    assert release_expired() == 1
    assert reserve()


def test_what_is_confirmed_or_still_held_stays(add_unicorn, reserve):
    add_unicorn()
    add_unicorn()
    confirmed = new_id()
    assert reserve(booking_id=confirmed, hold=timedelta(seconds=-1))
    assert confirm_reservation(booking_id=confirmed)
    assert reserve(hold=timedelta(minutes=1))
    assert release_expired() == 0
    assert not confirm_reservation(booking_id=new_id())
    assert Reservation.objects.filter(released_at=None).count() == 2


def test_one_that_was_chosen_and_no_other(add_unicorn, reserve):
    near, chosen = add_unicorn(), add_unicorn(north_km=3, capacity=2)
    taken = reserve(unicorn=chosen)
    assert taken is not None
    assert taken.unicorn_id == chosen.id
    assert 2_900 < taken.distance_m < 3_100
    assert reserve(unicorn=chosen) is None
    assert reserve(unicorn=near, passengers=5) is None
    assert reserve(unicorn=near)
    assert reserve(unicorn=add_unicorn(status="off_duty")) is None
