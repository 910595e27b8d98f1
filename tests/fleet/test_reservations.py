import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from fleet.models import Reservation
from fleet.services import release_unicorn, reserve_unicorn

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def reserve(city, booking_id=None, *, passengers=1, start=START, end=None):
    with transaction.atomic():
        return reserve_unicorn(
            tenant_id=uuid.UUID(int=1),
            booking_id=booking_id or uuid.uuid4(),
            pickup=city,
            passengers=passengers,
            start=start,
            end=end or start + HOUR,
        )


@pytest.mark.django_db
class TestChoosing:
    def test_takes_the_nearest(self, city, add_unicorn):
        add_unicorn(3.0)
        near = add_unicorn(-0.4, 0.3)
        add_unicorn(0.9, 0.9)
        reserved = reserve(city)
        assert reserved.unicorn_id == near.id
        assert 300 < reserved.distance_m < 600
        assert reserved.eta_seconds > 30

    def test_passes_over_who_cannot_serve(self, city, add_unicorn):
        add_unicorn(0.1, status="off_duty")
        add_unicorn(0.1, capacity=2)
        add_unicorn(0.1, seen_ago=timedelta(seconds=90))
        fit = add_unicorn(2.0, capacity=3)
        assert reserve(city, passengers=3).unicorn_id == fit.id
        assert reserve(city, passengers=3) is None

    @pytest.mark.parametrize("away_km", [0.5, 2.5, 6.0, 12.0, 18.0])
    def test_search_grows_until_somebody_is_found(self, city, add_unicorn, away_km):
        unicorn = add_unicorn(away_km)
        assert reserve(city).unicorn_id == unicorn.id

    def test_out_of_reach_is_nobody(self, city, add_unicorn):
        add_unicorn(60.0)
        assert reserve(city) is None

    def test_same_unicorn_for_rides_that_touch(self, city, add_unicorn):
        unicorn = add_unicorn()
        assert reserve(city).unicorn_id == unicorn.id
        assert reserve(city, start=START + HOUR).unicorn_id == unicorn.id
        assert reserve(city, start=START + HOUR / 2) is None

    def test_statements(self, city, add_unicorn, django_assert_num_queries):
        """Look for the booking's own, search one circle, take one, read it back."""
        add_unicorn(0.2)
        with transaction.atomic(), django_assert_num_queries(4):
            reserve_unicorn(
                tenant_id=uuid.UUID(int=1),
                booking_id=uuid.uuid4(),
                pickup=city,
                passengers=1,
                start=START,
                end=START + HOUR,
            )


@pytest.mark.django_db
class TestPromises:
    def test_once_per_booking(self, city, add_unicorn):
        add_unicorn(0.1)
        add_unicorn(0.2)
        booking_id = uuid.uuid4()
        first = reserve(city, booking_id)
        assert reserve(city, booking_id) == first
        assert Reservation.objects.filter(booking_id=booking_id).count() == 1

    def test_release_frees_the_time_once(self, city, add_unicorn):
        unicorn = add_unicorn()
        booking_id = uuid.uuid4()
        reserve(city, booking_id)
        assert release_unicorn(booking_id=booking_id) is True
        released_at = Reservation.objects.get(booking_id=booking_id).released_at
        assert release_unicorn(booking_id=booking_id) is False
        assert Reservation.objects.get(booking_id=booking_id).released_at == released_at
        assert reserve(city, booking_id) is None, "a released booking gets nothing again"
        assert reserve(city).unicorn_id == unicorn.id

    def test_release_of_what_was_never_reserved(self):
        assert release_unicorn(booking_id=uuid.uuid4()) is False

    def test_database_refuses_two_rides_at_once(self, city, add_unicorn):
        unicorn = add_unicorn()

        def write(start, end, **more):
            with transaction.atomic():
                Reservation.objects.create(
                    unicorn=unicorn,
                    tenant_id=uuid.uuid4(),
                    booking_id=uuid.uuid4(),
                    during=DateTimeTZRange(start, end),
                    distance_m=1,
                    **more,
                )

        write(START, START + HOUR)
        write(START + HOUR, START + 2 * HOUR)
        write(START, START + HOUR, released_at=START)
        with pytest.raises(IntegrityError, match="reservation_one_ride_at_a_time"):
            write(START + HOUR / 2, START + HOUR)
        with pytest.raises(IntegrityError, match="reservation_has_a_start_and_an_end"):
            write(START + 9 * HOUR, None)

    @pytest.mark.parametrize(
        "wrong",
        [{"end": START}, {"start": datetime(2030, 1, 1)}, {"passengers": 0}],  # noqa: DTZ001
    )
    def test_impossible_wishes(self, city, wrong):
        with pytest.raises(ValueError, match="ride"):
            reserve(city, **wrong)


def at_once(jobs):
    def run(job):
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=30) for future in [pool.submit(run, job) for job in jobs]]


class TestManyAtOnce:
    def test_none_is_double_booked_and_none_fails_needlessly(self, committed, city, add_unicorn):
        """Twice as many bookings as unicorns: every unicorn serves one, and only one."""
        for index in range(8):
            add_unicorn(0.1 * index)
        reserved = at_once([lambda: reserve(city) for _ in range(16)])
        rides = Counter(each.unicorn_id for each in reserved if each)
        assert len(rides) == 8
        assert set(rides.values()) == {1}

    def test_rides_at_other_times_do_not_fail_for_a_held_lock(self, committed, city, add_unicorn):
        """One unicorn, four rides one after the other, booked at the same moment."""
        add_unicorn()
        reserved = at_once([lambda n=n: reserve(city, start=START + n * HOUR) for n in range(4)])
        assert all(reserved)

    def test_nobody_waits_while_another_unicorn_is_free(self, committed, city, add_unicorn):
        near, far = add_unicorn(0.1), add_unicorn(2.0)
        with transaction.atomic():
            first = reserve_unicorn(
                tenant_id=uuid.uuid4(),
                booking_id=uuid.uuid4(),
                pickup=city,
                passengers=1,
                start=START,
                end=START + HOUR,
            )
            [second] = at_once([lambda: reserve(city)])  # would hang here if it queued for the nearest
        assert (first.unicorn_id, second.unicorn_id) == (near.id, far.id)

    def test_waits_for_the_last_one_and_gets_it_when_the_other_gives_up(self, committed, city, add_unicorn):
        unicorn = add_unicorn(0.1)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                reserve_unicorn(
                    tenant_id=uuid.uuid4(),
                    booking_id=uuid.uuid4(),
                    pickup=city,
                    passengers=1,
                    start=START,
                    end=START + HOUR,
                )
                waiting = pool.submit(at_once, [lambda: reserve(city)])
                with connection.cursor() as cursor:
                    _until_someone_waits(cursor)
                transaction.set_rollback(True)
            [second] = waiting.result(timeout=20)
        assert second.unicorn_id == unicorn.id

    def test_one_booking_twice_at_once(self, committed, city, add_unicorn):
        add_unicorn(0.1)
        add_unicorn(0.2)
        booking_id = uuid.uuid4()
        both = at_once([lambda: reserve(city, booking_id)] * 4)
        assert len(set(both)) == 1
        assert both[0] is not None
        assert Reservation.objects.filter(booking_id=booking_id).count() == 1


def _until_someone_waits(cursor):
    """Wait, at most 10 s, until another connection waits for our transaction."""
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        # Inside a transaction the view shows what it showed first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        if cursor.fetchone()[0]:
            return
        cursor.execute("SELECT pg_sleep(0.02)")
    pytest.fail("Nobody waited.")
