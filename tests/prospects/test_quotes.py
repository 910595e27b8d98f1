"""Requests for quotes: what a dry run says of each of their messages."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from api.events import OperationCancelRequested
from bookings import events as bookings_events
from fleet.models import HOUSE
from fleet.services import set_webhook
from messaging.topology import Verdict
from rfq import events, services
from rfq.models import Invitation, Offer, Rfq
from tests.fleet.conftest import add_unicorn, city  # noqa: F401  # fixtures
from tests.prospects.conftest import handle
from tests.rfq.conftest import asked_of, decline, offer, request_quotes, speaker  # noqa: F401  # fixtures
from wildrydes.kernel.http import OutboundConfig, configure_outbound
from wildrydes.kernel.ids import new_id

ACT, OBSOLETE, UNKNOWN = Verdict.ACT, Verdict.OBSOLETE, Verdict.UNKNOWN
pytestmark = pytest.mark.usefixtures("in_tenant")


@pytest.fixture
def scattered(request_quotes, add_unicorn):  # noqa: F811
    """A request that two unicorns were asked by."""
    unicorns = [add_unicorn(), add_unicorn()]
    rfq = request_quotes()
    with transaction.atomic():
        assert services.scatter(rfq_id=rfq.id)
    return rfq, unicorns


def overdue(rfq):
    Rfq.objects.filter(id=rfq.id).update(deadline_at=timezone.now() - timedelta(seconds=1))


def test_asking(request_quotes, add_unicorn):  # noqa: F811
    add_unicorn()
    rfq = request_quotes()
    assert handle("rfq.scatter", events.Scatter(rfq_id=rfq.id)).check() is ACT
    assert handle("rfq.scatter", events.Scatter(rfq_id=rfq.id)).check() is OBSOLETE
    assert handle("rfq.scatter", events.Scatter(rfq_id=new_id())).check() is OBSOLETE
    late = request_quotes()
    overdue(late)
    assert handle("rfq.scatter", events.Scatter(rfq_id=late.id)).check() is ACT


def test_closing(scattered):
    rfq, _ = scattered
    assert handle("rfq.close", events.CloseRfq(rfq_id=rfq.id)).check() is OBSOLETE
    overdue(rfq)
    assert handle("rfq.close", events.CloseRfq(rfq_id=rfq.id)).check() is ACT
    assert handle("rfq.close", events.CloseRfq(rfq_id=rfq.id)).check() is OBSOLETE
    assert handle("rfq.close", events.CloseRfq(rfq_id=new_id())).check() is OBSOLETE


def test_considering(scattered, offer, decline):  # noqa: F811
    rfq, (one, other) = scattered

    def answer_of(unicorn):
        invitation = Invitation.objects.get(rfq=rfq, unicorn_id=unicorn.id)
        return events.ConsiderAnswer(rfq_id=rfq.id, invitation_id=invitation.id)

    decline(one)
    assert handle("rfq.consider_answer", answer_of(one)).check() is OBSOLETE
    offer(other)
    assert handle("rfq.consider_answer", answer_of(other)).check() is ACT
    assert Rfq.objects.get(id=rfq.id).state == "closed"
    gone = events.ConsiderAnswer(rfq_id=new_id(), invitation_id=new_id())
    assert handle("rfq.consider_answer", gone).check() is OBSOLETE


def test_cancelling(scattered):
    rfq, _ = scattered

    def wish(kind="rfq", resource: UUID | None = None):
        return OperationCancelRequested(
            operation_id=rfq.operation_id, kind=kind, resource_id=resource or rfq.id, user_id=rfq.user_id
        )

    name = "rfq.operation_cancel_requested"
    assert handle(name, wish("booking")).check() is OBSOLETE
    assert handle(name, wish(resource=new_id())).check() is OBSOLETE
    assert handle(name, wish()).check() is ACT
    assert handle(name, wish()).check() is OBSOLETE


def test_telling(scattered):
    rfq, _ = scattered

    def news(rfq_id=None, what="asked"):
        return events.TellOperator(rfq_id=rfq_id or rfq.id, operator_id=HOUSE, news=what)

    assert handle("rfq.tell_operator", news()).check() is OBSOLETE
    configure_outbound(OutboundConfig())
    set_webhook(operator_id=HOUSE, url="http://127.0.0.1:1/")
    assert handle("rfq.tell_operator", news(rfq_id=new_id())).check() is OBSOLETE
    assert handle("rfq.tell_operator", news(what="won")).check() is OBSOLETE


def test_a_ride_that_failed(scattered, offer):  # noqa: F811
    rfq, (one, _) = scattered
    offer(one)
    booking_id = new_id()
    with transaction.atomic():
        services.take_offer(rfq_id=rfq.id, offer_id=Offer.objects.get(rfq=rfq).id, booking_id=booking_id)

    def failure(of):
        return bookings_events.BookingFailed(
            booking_id=of, user_id=rfq.user_id, reference="", fare_minor=1, currency="USD",
            pickup_at=timezone.now(), code="x", detail="y",
        )  # fmt: skip

    assert handle("bookings.reopen_quotes", failure(new_id())).check() is OBSOLETE
    assert handle("bookings.reopen_quotes", failure(booking_id)).check() is ACT
    assert handle("bookings.reopen_quotes", failure(booking_id)).check() is OBSOLETE
