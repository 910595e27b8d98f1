"""Two at once: whoever comes first, one winner, and what the others are told fits.

`RFQ_RACES=1000` runs each so often (`make rfq-races`); the suite runs a few.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from bookings import services as bookings
from bookings.models import Booking
from fleet.models import Call, Inquiry, Reservation, UnicornPosition
from messaging.journal.models import Message
from messaging.models import Delivery
from rfq import services
from rfq.domain import State
from rfq.errors import AlreadyAnswered, AnswerLate, OfferAccepted, OfferGone, RequestWithdrawn
from rfq.models import Offer, Rfq
from tenants.registry.context import enter_public, enter_tenant
from tests.rfq.conftest import offering

ROUNDS = int(os.environ.get("RFQ_RACES", "3"))
pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.timeout(120 + 3 * ROUNDS)]


class Pair:
    """Two threads that begin each round at the same moment, with connections that last."""

    def __init__(self, many: int = 2) -> None:
        self._pool = ThreadPoolExecutor(many)
        self._start = Barrier(many)

    def run(self, *steps: Callable[[], Any]) -> list[Any]:
        """What each answered or raised."""

        def go(step: Callable[[], Any]) -> Any:
            self._start.wait(30)
            try:
                return step()
            except Exception as error:  # noqa: BLE001
                return error

        return list(self._pool.map(go, steps))

    def end(self) -> None:
        """Close the threads' connections."""

        def hang_up(_: int) -> None:
            self._start.wait(30)
            connection.close()

        list(self._pool.map(hang_up, range(self._start.parties)))
        self._pool.shutdown()


@pytest.fixture
def pair():
    made = Pair()
    yield made
    made.end()


@pytest.fixture
def quoted(tenant, request_quotes, add_unicorn, asked_of, speaker):
    """Makes a request with two offers, closed or with one answer missing."""
    unicorns = [add_unicorn() for _ in range(3)]

    def make(*, closed: bool = True) -> tuple[Rfq, list[Offer], dict[str, Any]]:
        Inquiry.objects.all().delete()
        # A thousand rounds take longer than a position is fresh.
        UnicornPosition.objects.update(reported_at=Now())
        with enter_tenant(tenant):
            rfq = request_quotes(wanted_offers=2 if closed else 3, deadline_seconds=600)
            with transaction.atomic():
                assert services.scatter(rfq_id=rfq.id)
        with enter_public():
            asked = [asked_of(unicorn) for unicorn in unicorns]
        for each in asked[:2]:
            services.take_answer(speaker=speaker, answer=offering(each))
        with enter_tenant(tenant), transaction.atomic():
            assert services.close_if_complete(rfq_id=rfq.id) == closed
            return rfq, list(Offer.objects.filter(rfq=rfq)), asked[2]

    return make


def _forget_rides(tenant):
    """Unicorns are free for the next round, and the tables stay small."""
    Reservation.objects.all().delete()
    Delivery.objects.all().delete()
    Call.objects.all().delete()


def _accepting(tenant, rfq, offer):
    def step():
        with enter_tenant(tenant), transaction.atomic():
            wanted = bookings.Acceptance(rfq_id=rfq.id, offer_id=offer.id)
            return bookings.accept_offer(user_id=rfq.user_id, wanted=wanted)[0].id

    return step


def _withdrawing(tenant, rfq):
    def step():
        with enter_tenant(tenant), transaction.atomic():
            return services.withdraw(rfq_id=rfq.id).state

    return step


def _closing(tenant, rfq):
    def step():
        with enter_tenant(tenant), transaction.atomic():
            return services.close_if_complete(rfq_id=rfq.id)

    return step


def test_two_clients_accept(tenant, quoted, pair):
    """One offer, or two of one request: one ride."""
    for round_ in range(ROUNDS):
        rfq, offers, _ = quoted()
        second = offers[round_ % 2]
        answers = pair.run(_accepting(tenant, rfq, offers[0]), _accepting(tenant, rfq, second))
        refused = [each for each in answers if isinstance(each, Exception)]
        assert [type(each) for each in refused] == [OfferAccepted], answers
        with enter_tenant(tenant):
            (booking,) = Booking.objects.filter(correlation_id=rfq.correlation_id)
            rfq.refresh_from_db()
            assert (rfq.state, rfq.booking_id) == ("accepted", booking.id)
            assert refused[0].extra == {"booking_id": str(booking.id)}
            assert Reservation.objects.filter(released_at=None).count() == 1
        _forget_rides(tenant)


def test_two_companies_accept_the_same_unicorn(tenant, quoted, pair):
    """Its offers to two requests: one ride, and the other is told the next best."""
    for _ in range(ROUNDS):
        first, offers, _ = quoted()
        second, others, _ = quoted()
        rival = next(each for each in others if each.unicorn_id == offers[0].unicorn_id)
        answers = pair.run(_accepting(tenant, first, offers[0]), _accepting(tenant, second, rival))
        refused = [each for each in answers if isinstance(each, Exception)]
        assert [type(each) for each in refused] == [OfferGone], answers
        assert refused[0].extra["next_offer"]["unicorn"]["id"] != str(offers[0].unicorn_id)
        assert Reservation.objects.filter(unicorn__id=offers[0].unicorn_id, released_at=None).count() == 1
        _forget_rides(tenant)


def test_accepting_and_withdrawing(tenant, quoted, pair):
    won = Counter()
    for _ in range(ROUNDS):
        rfq, offers, _ = quoted()
        accepted, withdrawn = pair.run(_accepting(tenant, rfq, offers[0]), _withdrawing(tenant, rfq))
        with enter_tenant(tenant):
            rfq.refresh_from_db()
            rides = Booking.objects.filter(correlation_id=rfq.correlation_id).count()
        if rfq.state == State.ACCEPTED:
            assert isinstance(withdrawn, OfferAccepted), withdrawn
            assert (rides, rfq.booking_id) == (1, accepted)
        else:
            assert isinstance(accepted, RequestWithdrawn), accepted
            assert (rides, rfq.state, withdrawn) == (0, "withdrawn", "withdrawn")
        won[rfq.state] += 1
        _forget_rides(tenant)
    sys.stdout.write(f"accept and withdraw: {dict(won)}\n")


def test_the_deadline_and_the_last_answer(tenant, quoted, pair, speaker):
    """Stored in time and ranked, or late and told so; the request is closed once."""
    ends = Counter()
    for round_ in range(ROUNDS):
        rfq, _, asked = quoted(closed=False)
        soon = timezone.now() + timedelta(milliseconds=80)
        # An answer takes a while from its arrival to its row: begun so long before, it meets the deadline sooner or later.
        ahead = timedelta(milliseconds=4 * (round_ % 16))
        with enter_tenant(tenant):
            Rfq.objects.filter(id=rfq.id).update(deadline_at=soon)

        def answer(asked=asked, begin=soon - ahead):
            _until(begin)
            return services.take_answer(speaker=speaker, answer=offering(asked, price=1))

        def close(rfq=rfq, soon=soon):
            _until(soon)
            return _closing(tenant, rfq)()

        stored, closed = pair.run(answer, close)
        with enter_tenant(tenant):
            if not closed:
                assert not isinstance(closed, Exception), closed
                assert _closing(tenant, rfq)()
            rfq.refresh_from_db()
            ranks = sorted(Offer.objects.filter(rfq=rfq).values_list("rank", flat=True))
            told = Message.objects.filter(correlation_id=rfq.correlation_id, topic="rfq.closed").count()
        assert (rfq.state, told) == ("closed", 1)
        if isinstance(stored, services.Receipt):
            assert stored.received_at < soon
            assert ranks == [1, 2, 3]
        else:
            assert isinstance(stored, AnswerLate), stored
            assert ranks == [1, 2]
        ends[type(stored).__name__] += 1
        _forget_rides(tenant)
    sys.stdout.write(f"deadline and last answer: {dict(ends)}\n")


def test_one_unicorn_answers_twice_at_once(tenant, quoted, pair, speaker):
    for _ in range(ROUNDS):
        rfq, _, asked = quoted(closed=False)
        steps = [
            lambda price=price, asked=asked: services.take_answer(speaker=speaker, answer=offering(asked, price=price))
            for price in (1, 2)
        ]
        kinds = {type(each) for each in pair.run(*steps)}
        assert kinds == {services.Receipt, AlreadyAnswered}
        with enter_tenant(tenant):
            assert Offer.objects.filter(rfq=rfq).count() == 3
        _forget_rides(tenant)


def _until(moment):
    """Spin: a sleep is too coarse for a race."""
    while timezone.now() < moment:
        pass
