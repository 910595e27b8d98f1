"""Who is asked: the near ones that would do, ring by ring."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.capabilities import Extra, SpeedClass
from fleet.services import reserve_unicorn
from fleet.vicinity import Wanted, neighbours
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.django_db


def during():
    start = timezone.now()
    return start, start + timedelta(hours=1)


def near(city, *, enough=10, most=50, radius_m=20_000, **wishes):
    wanted = Wanted(**{"passengers": 1, "during": during(), **wishes})
    return neighbours(pickup=city, wanted=wanted, radius_m=radius_m, enough=enough, most=most)


def test_rings_grow_until_enough_are_found(city, add_unicorn):
    close = {add_unicorn(north_km=north).id for north in (0.1, 0.3)}
    far = add_unicorn(north_km=12)
    assert {each.unicorn.unicorn_id for each in near(city, enough=2)} == close
    found = near(city, enough=3)
    assert {each.unicorn.unicorn_id for each in found} == {*close, far.id}
    assert [each.distance_m for each in found] == sorted(each.distance_m for each in found)
    assert found[0].ring < found[-1].ring


def test_nobody_beyond_the_radius_and_no_more_than_may_be_asked(city, add_unicorn):
    for north in (0.1, 0.2, 0.3, 0.9):
        add_unicorn(north_km=north)
    assert len(near(city, radius_m=500)) == 3
    assert len(near(city, enough=1, most=2)) == 2


def test_only_those_that_would_do(city, add_unicorn):
    right = add_unicorn(capacity=4, speed_class="gallop", extras=["blanket", "free_drinks"])
    add_unicorn(capacity=1, speed_class="gallop", extras=["free_drinks"])
    add_unicorn(capacity=4, speed_class="trot", extras=["free_drinks"])
    add_unicorn(capacity=4, speed_class="gallop")
    add_unicorn(capacity=4, speed_class="gallop", extras=["free_drinks"], status="off_duty")
    add_unicorn(capacity=4, speed_class="gallop", extras=["free_drinks"], seen_ago=timedelta(minutes=5))
    found = near(city, passengers=2, slowest=SpeedClass.CANTER, extras=(Extra.FREE_DRINKS.value,))
    assert [each.unicorn.unicorn_id for each in found] == [right.id]


def test_who_has_a_ride_is_not_asked(city, add_unicorn):
    add_unicorn()
    start, end = during()
    assert reserve_unicorn(tenant_id=new_id(), booking_id=new_id(), pickup=city, passengers=1, start=start, end=end)
    assert near(city) == []
