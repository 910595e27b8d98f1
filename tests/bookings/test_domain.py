from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bookings import domain
from fleet.domain import Point, distance_m
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.money import CURRENCIES

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
distances = st.integers(domain.MIN_DISTANCE_M, domain.MAX_DISTANCE_M)
passengers = st.integers(1, domain.MAX_PASSENGERS)
currencies = st.sampled_from(sorted(CURRENCIES))


def test_every_currency_has_a_tariff():
    assert set(domain.TARIFFS) == set(CURRENCIES)


def test_a_fare_by_hand():
    # 3.50 + 4.149 km at 1.40 = 9.3086, begun cents in full: 9.31; one more passenger 1.00
    assert str(domain.fare(distance=4149, passengers=2, currency="USD")) == "10.31 USD"
    assert str(domain.fare(distance=1000, passengers=1, currency="JPY")) == "710 JPY"


@given(distances, passengers, currencies)
def test_a_fare_is_a_positive_integer_that_can_be_charged(distance, people, currency):
    price = domain.fare(distance=distance, passengers=people, currency=currency)
    assert isinstance(price.minor, int)
    assert 0 < price.minor <= 10_000_000
    assert price.currency == currency


@given(distances, distances, passengers, passengers, currencies)
def test_a_longer_or_fuller_ride_never_costs_less(a, b, few, many, currency):
    assume(a <= b and few <= many)
    assert domain.fare(distance=a, passengers=few, currency=currency) <= domain.fare(
        distance=b, passengers=many, currency=currency
    )


@given(distances, passengers, currencies)
def test_a_fare_is_within_one_minor_unit_of_the_exact_price(distance, people, currency):
    tariff = domain.TARIFFS[currency]
    exact_thousandths = (tariff.base + (people - 1) * tariff.per_extra_passenger) * 1000 + distance * tariff.per_km
    price = domain.fare(distance=distance, passengers=people, currency=currency).minor
    assert 0 <= price * 1000 - exact_thousandths < 1000


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.floats(-180, 180),
)
def test_a_distance_is_within_the_limits_or_refused(lat_a, lng_a, lat_b, lng_b):
    pickup, dropoff = Point(lat_a, lng_a), Point(lat_b, lng_b)
    if domain.MIN_DISTANCE_M <= round(distance_m(pickup, dropoff)) <= domain.MAX_DISTANCE_M:
        assert domain.checked_distance(pickup, dropoff) == round(distance_m(pickup, dropoff))
    else:
        with pytest.raises(InvalidInput, match="long; unicorns carry"):
            domain.checked_distance(pickup, dropoff)


def test_a_ride_to_where_one_is_is_refused():
    with pytest.raises(InvalidInput, match="0 m long"):
        domain.checked_distance(Point(36.0, -115.0), Point(36.0, -115.0))


def test_a_ride_across_the_date_line_is_short():
    assert domain.checked_distance(Point(0, 179.999), Point(0, -179.999)) < 300


@given(st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_a_pickup_time_is_from_now_to_a_month_ahead_or_refused(offset):
    if -domain.PAST_TOLERANCE <= offset <= domain.MAX_AHEAD:
        assert domain.checked_pickup_time(NOW + offset, now=NOW) == max(NOW, NOW + offset)
    else:
        with pytest.raises(InvalidInput, match=r"in the past|days ahead"):
            domain.checked_pickup_time(NOW + offset, now=NOW)


def test_no_pickup_time_means_now():
    assert domain.checked_pickup_time(None, now=NOW) == NOW


def test_a_currency_may_be_named_but_not_chosen():
    assert domain.checked_currency(None, tenant_currency="EUR") == "EUR"
    assert domain.checked_currency("EUR", tenant_currency="EUR") == "EUR"
    with pytest.raises(InvalidInput, match="billed in EUR"):
        domain.checked_currency("USD", tenant_currency="EUR")


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "\ud800", "\x7f", "\x85"])
def test_texts_that_would_hurt_are_refused(text):
    with pytest.raises(InvalidInput):
        domain.checked_text(text, pointer="/reference")


def test_texts_of_people_are_kept():
    assert domain.checked_text("Zürich → 東京 🦄", pointer="/reference") == "Zürich → 東京 🦄"


@given(st.timedeltas(timedelta(seconds=-5), timedelta(days=1)))
def test_a_payment_ends_before_the_booking_does(remaining):
    given_time = domain.payment_deadline(remaining)
    assert given_time >= timedelta(seconds=1)
    assert given_time < remaining or remaining <= timedelta(seconds=2)


def test_cancelling_is_possible_until_the_pickup():
    assert domain.may_cancel(pickup_at=NOW + timedelta(microseconds=1), now=NOW)
    assert not domain.may_cancel(pickup_at=NOW, now=NOW)


@given(distances)
def test_the_unicorn_is_kept_for_longer_than_the_ride_takes(distance):
    assert domain.reserved_until(NOW, distance) > NOW + domain.ride_duration(distance)
