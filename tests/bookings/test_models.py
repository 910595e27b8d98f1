"""What the database refuses, whatever the code does."""

import itertools
from contextlib import suppress

import pytest
from django.db import IntegrityError, connection, transaction

from bookings.models import Booking
from bookings.saga import FIRST, State, transitions

pytestmark = pytest.mark.usefixtures("in_tenant")


def _force(booking, state):
    """Put a row into a state that it did not reach by itself."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE bookings_booking DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE bookings_booking SET state = %s, unicorn_id = id, confirmed_at = requested_at, paid_by = 'card'"
            " WHERE id = %s",
            [state, booking.id],
        )
        cursor.execute("ALTER TABLE bookings_booking ENABLE TRIGGER USER")


def _can_move(booking, to):
    with suppress(IntegrityError), transaction.atomic():
        Booking.objects.filter(id=booking.id).update(state=to)
        return True
    return False


def test_the_database_allows_exactly_the_moves_of_the_table(ask):
    booking = ask()
    connection.check_constraints()
    allowed = set()
    for source, to in itertools.permutations(State, 2):
        _force(booking, source)
        if _can_move(booking, to):
            allowed.add((source, to))
    assert allowed == set(transitions())


@pytest.mark.parametrize("state", sorted(set(State) - {FIRST}))
def test_a_booking_begins_as_requested(ask, state):
    booking = ask()
    booking.pk = None
    booking.state = state
    with pytest.raises(IntegrityError), transaction.atomic():
        booking.save(force_insert=True)


def test_a_ride_cannot_be_confirmed_without_payment_and_unicorn(ask):
    booking = ask()
    Booking.objects.filter(id=booking.id).update(state="paying")
    with pytest.raises(IntegrityError, match="booking_confirmed_is_paid_and_planned"), transaction.atomic():
        Booking.objects.filter(id=booking.id).update(state="confirmed")


@pytest.mark.parametrize("wrong", [{"passengers": 0}, {"passengers": 7}, {"currency": "XXX"}, {"state": "flying"}])
def test_values_out_of_range_are_refused(ask, wrong):
    booking = ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        Booking.objects.filter(id=booking.id).update(**wrong)
