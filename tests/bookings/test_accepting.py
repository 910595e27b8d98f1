"""An accepted offer becomes a ride at its price, once; when the unicorn is gone the next best is named."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from api.models import Operation
from bookings import services
from bookings.models import Booking
from fleet.models import Inquiry, InquiryState, Reservation
from fleet.services import reserve_unicorn
from messaging.journal.models import Message
from rfq.errors import OfferAccepted, OfferExpired, OfferGone, RequestWithdrawn
from rfq.models import Offer, Rfq
from rfq.ranking import StrategyName
from rfq.services import reopen_for, withdraw
from tests.rfq.conftest import asked_of, offer, request_quotes, speaker  # noqa: F401  # fixtures
from wildrydes.kernel.errors import NotFound
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.usefixtures("in_tenant")


def accept(rfq, chosen, **more):
    with transaction.atomic():
        return services.accept_offer(
            user_id=rfq.user_id, wanted=services.Acceptance(rfq_id=rfq.id, offer_id=chosen.id, **more)
        )


def take_away(unicorn_id, city):
    """Somebody else books the unicorn."""
    start = timezone.now()
    assert reserve_unicorn(
        tenant_id=new_id(), booking_id=new_id(), pickup=city, passengers=1, start=start,
        end=start + timedelta(hours=1), unicorn_id=unicorn_id,
    )  # fmt: skip


@pytest.fixture
def quoted(request_quotes, add_unicorn, offer, drain):  # noqa: F811
    """A closed request with offers of 700, 800 and 900, best first."""
    unicorns = [add_unicorn() for _ in range(3)]
    rfq = request_quotes(wanted_offers=3, strategy=StrategyName.CHEAPEST)
    drain()
    for price, unicorn in zip((900, 700, 800), unicorns, strict=True):
        offer(unicorn, price=price)
    drain()
    rfq.refresh_from_db()
    assert rfq.state == "closed"
    return rfq, list(Offer.objects.filter(rfq=rfq).order_by("rank"))


def test_it_becomes_a_ride_at_its_price(quoted, ledger, drain):
    rfq, (best, *_) = quoted
    booking, operation = accept(rfq, best)
    assert (booking.fare_minor, booking.unicorn_id, booking.state) == (700, best.unicorn_id, "paying")
    drain()
    booking.refresh_from_db()
    assert booking.state == "confirmed"
    assert Operation.objects.get(id=operation.id).status == "succeeded"
    assert ledger.of(booking.id) == [("charge", "succeeded", 700)]
    rfq.refresh_from_db()
    assert (rfq.state, rfq.accepted_offer_id, rfq.booking_id) == ("accepted", best.id, booking.id)
    assert Inquiry.objects.get(call_id=rfq.id, unicorn_id=best.unicorn_id).state == InquiryState.WON
    held = Reservation.objects.get(booking_id=booking.id)
    assert (held.unicorn.id, held.expires_at) == (best.unicorn_id, None)
    topics = Message.objects.filter(correlation_id=rfq.correlation_id).values_list("topic", flat=True)
    assert {"rfq.accepted", "booking.confirmed"} <= set(topics)


def test_only_one_offer_of_a_request_becomes_a_ride(quoted):
    rfq, (best, second, _) = quoted
    booking, _ = accept(rfq, second)
    for chosen in (best, second):
        with pytest.raises(OfferAccepted) as refused:
            accept(rfq, chosen)
        assert refused.value.extra == {"booking_id": str(booking.id)}
    assert Booking.objects.count() == 1


def test_when_the_unicorn_is_gone_the_next_best_that_is_free_is_named(quoted, city):
    rfq, (best, second, third) = quoted
    take_away(best.unicorn_id, city)
    take_away(second.unicorn_id, city)
    with pytest.raises(OfferGone) as gone:
        accept(rfq, best)
    named = gone.value.extra["next_offer"]
    assert (named["id"], named["state"], named["price"]["amount_minor"]) == (str(third.id), "standing", 900)
    rfq.refresh_from_db()
    assert (rfq.state, rfq.booking_id) == ("closed", None)
    assert not Booking.objects.exists()
    booking, _ = accept(rfq, third)
    assert booking.unicorn_id == third.unicorn_id


def test_when_none_is_left(quoted, city):
    rfq, offers = quoted
    for each in offers:
        take_away(each.unicorn_id, city)
    with pytest.raises(OfferGone) as gone:
        accept(rfq, offers[0])
    assert gone.value.extra == {"next_offer": None}


def test_an_offer_expires(quoted):
    rfq, (best, second, _) = quoted
    Offer.objects.filter(id=best.id).update(valid_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(OfferExpired):
        accept(rfq, best)
    assert accept(rfq, second)[0].fare_minor == 800


def test_what_was_withdrawn_cannot_be_accepted_and_the_other_way_round(quoted, request_quotes, add_unicorn):  # noqa: F811
    rfq, (best, *_) = quoted
    with transaction.atomic():
        withdraw(rfq_id=rfq.id)
    with pytest.raises(RequestWithdrawn):
        accept(rfq, best)
    assert not Booking.objects.exists()


def test_an_accepted_request_cannot_be_withdrawn(quoted):
    rfq, (best, *_) = quoted
    accept(rfq, best)
    with pytest.raises(OfferAccepted), transaction.atomic():
        withdraw(rfq_id=rfq.id)


def test_offers_of_others_and_of_nobody(quoted, request_quotes):  # noqa: F811
    rfq, (best, *_) = quoted
    other = request_quotes()
    for request_, chosen in ((other, best.id), (rfq, uuid.uuid4())):
        with pytest.raises(NotFound):
            accept(request_, Offer(id=chosen))


def test_accepting_closes_an_open_request(request_quotes, add_unicorn, offer, drain):  # noqa: F811
    first, _ = add_unicorn(), add_unicorn()
    rfq = request_quotes()
    drain()
    offer(first, price=777)
    chosen = Offer.objects.get(rfq=rfq)
    booking, _ = accept(rfq, chosen)
    rfq.refresh_from_db()
    assert (rfq.state, rfq.close_reason, booking.fare_minor) == ("accepted", "accepted", 777)
    assert Operation.objects.get(id=rfq.operation_id).status == "succeeded"


def test_a_ride_that_fails_gives_the_offers_back(quoted, ledger, drain):
    rfq, (best, second, _) = quoted
    booking, _ = accept(rfq, best, payment_source="tok_declined")
    drain()
    booking.refresh_from_db()
    assert booking.state == "failed"
    rfq.refresh_from_db()
    assert (rfq.state, rfq.accepted_offer_id, rfq.booking_id) == ("closed", None, None)
    assert Inquiry.objects.get(call_id=rfq.id, unicorn_id=best.unicorn_id).state == InquiryState.ANSWERED
    with transaction.atomic():
        assert not reopen_for(booking_id=booking.id)
    again, _ = accept(rfq, best)
    drain()
    again.refresh_from_db()
    assert again.state == "confirmed"
    assert Rfq.objects.get(id=rfq.id).booking_id == again.id
    assert second.id != best.id
