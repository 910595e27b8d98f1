"""What is kept of a fare: cancelled late, or missed; by card and on store credit. Policy is the tier's data."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models.functions import Now

from audit.models import Entry as AuditEntry
from audit.services import Actor
from bookings import domain, services
from bookings.errors import CannotReportNoShow
from bookings.models import Booking
from loyalty.selectors import balance_of
from messaging.consuming import deliver
from messaging.journal.models import Message
from messaging.models import Delivery
from payments.agreement import disagreements
from payments.models import Charge
from payments.selectors import payment_of
from payments.services import give_up_capture
from tenants.registry.context import enter_tenant
from tenants.registry.directory import forget, tenant_by_id
from tenants.registry.models import Tier
from tests.bookings.conftest import is_reserved
from wildrydes.kernel.errors import NotFound
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.usefixtures("in_tenant", "ledger")
SOMEBODY = Actor.system("operator")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def policy(in_tenant):
    """Changes the tier's policies, and lets them be read anew as other processes do within seconds."""
    with ExitStack() as entered:

        def change(**fields):
            Tier.objects.filter(code=in_tenant.tier.code).update(**fields)
            forget()
            entered.enter_context(enter_tenant(tenant_by_id(in_tenant.id)))

        yield change
    forget()


@pytest.fixture
def confirmed(ask, add_unicorn, drain, policy):
    """A ride of an hour from now, confirmed."""

    def make(**policies):
        policy(**policies)
        add_unicorn()
        booking = ask(pickup_at=datetime.now(UTC) + HOUR)
        drain()
        booking.refresh_from_db()
        assert booking.state == "confirmed"
        return booking

    return make


def _cancel(booking, drain):
    with transaction.atomic():
        services.cancel_booking(booking_id=booking.id, correlation_id=new_id())
    drain()
    booking.refresh_from_db()


def _missed(booking, drain):
    Booking.objects.filter(id=booking.id).update(expected_pickup_at=Now() - timedelta(minutes=6))
    with transaction.atomic():
        services.report_no_show(booking_id=booking.id, actor=SOMEBODY)
    drain()
    booking.refresh_from_db()


@pytest.mark.parametrize(
    ("before", "percent", "fee"),
    [(61, 50, 0), (60, 50, 500), (59, 50, 500), (1, 100, 1001), (30, 33, 330), (30, 0, 0)],
    ids=str,
)
def test_fee_by_time(before, percent, fee):
    now = NOON - timedelta(minutes=before)
    kept = domain.cancellation_fee(1001, pickup_at=NOON, now=now, free_for=HOUR, percent=percent)
    assert kept == fee


def test_without_a_policy_all_goes_back(confirmed, drain, ledger):
    booking = confirmed()
    _cancel(booking, drain)
    assert (booking.state, booking.fee_minor, booking.refund_state) == ("cancelled", 0, "done")
    assert ledger.of(booking.id)[1] == ("refund", "succeeded", booking.fare_minor)


def test_early_enough_is_free(confirmed, drain):
    booking = confirmed(free_cancellation_minutes=30, late_cancellation_fee_percent=50)
    _cancel(booking, drain)
    assert (booking.fee_minor, payment_of(booking.id).due.minor) == (0, 0)


def test_late_keeps_a_part(confirmed, drain, ledger):
    booking = confirmed(free_cancellation_minutes=120, late_cancellation_fee_percent=40)
    _cancel(booking, drain)
    fee = booking.fare_minor * 40 // 100
    assert (booking.state, booking.fee_minor, booking.refund_state) == ("cancelled", fee, "done")
    assert ledger.of(booking.id)[1] == ("refund", "succeeded", booking.fare_minor - fee)
    assert payment_of(booking.id).due.minor == fee
    told = Message.objects.get(correlation_id=booking.correlation_id, topic="booking.cancelled").payload
    assert (told["fee_minor"], told["no_show"]) == (fee, False)
    assert disagreements() == []


def test_late_keeps_all(confirmed, drain, ledger):
    booking = confirmed(free_cancellation_minutes=120, late_cancellation_fee_percent=100)
    _cancel(booking, drain)
    assert (booking.state, booking.refund_state) == ("cancelled", "none")
    assert ledger.of(booking.id) == [("charge", "succeeded", booking.fare_minor)]
    assert payment_of(booking.id).due.minor == booking.fare_minor


class TestNoShow:
    def test_keeps_the_fee_and_takes_the_points_back(self, confirmed, drain, ledger):
        booking = confirmed(no_show_fee_percent=80)
        assert balance_of(booking.user_id) > 0
        _missed(booking, drain)
        fee = booking.fare_minor * 80 // 100
        assert (booking.state, booking.fee_minor, booking.refund_state) == ("cancelled", fee, "done")
        assert booking.no_show_at is not None
        assert not is_reserved(booking)
        assert balance_of(booking.user_id) == 0
        assert ledger.of(booking.id)[1] == ("refund", "succeeded", booking.fare_minor - fee)
        assert AuditEntry.objects.filter(action="booking.no_show", subject_id=str(booking.id)).count() == 1

    def test_twice_is_the_same(self, confirmed, drain, ledger):
        booking = confirmed()
        _missed(booking, drain)
        _missed(booking, drain)
        assert len(ledger.of(booking.id)) == 1
        assert payment_of(booking.id).due.minor == booking.fare_minor
        assert AuditEntry.objects.filter(action="booking.no_show").count() == 1

    def test_not_before_the_rider_had_time(self, confirmed):
        booking = confirmed()
        with pytest.raises(CannotReportNoShow, match="may still come"), transaction.atomic():
            services.report_no_show(booking_id=booking.id, actor=SOMEBODY)

    def test_not_of_a_ride_that_was_never_confirmed(self, ask):
        booking = ask()
        with pytest.raises(CannotReportNoShow, match="never confirmed"), transaction.atomic():
            services.report_no_show(booking_id=booking.id, actor=SOMEBODY)

    def test_not_of_nothing(self):
        with pytest.raises(NotFound), transaction.atomic():
            services.report_no_show(booking_id=new_id(), actor=SOMEBODY)

    def test_by_command(self, confirmed, drain, capsys):
        booking = confirmed(no_show_fee_percent=0)
        Booking.objects.filter(id=booking.id).update(expected_pickup_at=Now() - timedelta(minutes=6))
        call_command("no_show", "acme", str(booking.id))
        assert "0.00 USD are kept" in capsys.readouterr().out
        for wrong in (("nobody", str(booking.id)), ("acme", "x"), ("acme", str(new_id()))):
            with pytest.raises(CommandError):
                call_command("no_show", *wrong)


class TestOwed:
    """A ride on store credit, cancelled late: the part is forgiven at once, and goes back should all of it be captured."""

    @pytest.fixture
    def booking(self, ask, add_unicorn, drain, policy):
        policy(
            payment_failure_outcome="store_credit", store_credit_limit_minor=10**6, store_credit_user_limit_minor=10**6,
            free_cancellation_minutes=120, late_cancellation_fee_percent=25,
        )  # fmt: skip
        add_unicorn()
        booking = ask(pickup_at=datetime.now(UTC) + HOUR)
        for _ in range(2):
            _run("bookings.plan_ride")
        charge = Charge.objects.get(booking_id=booking.id)
        with transaction.atomic():
            give_up_capture(charge_id=charge.id, reason="The provider is down.")
        Delivery.objects.filter(handler="payments.capture").delete()
        drain()
        booking.refresh_from_db()
        assert (booking.state, booking.paid_by) == ("confirmed", "store_credit")
        return booking

    def test_owes_the_fee_alone(self, booking, drain, ledger):
        _cancel(booking, drain)
        fee = booking.fare_minor * 25 // 100
        seen = payment_of(booking.id)
        assert (booking.state, seen.credit.minor, seen.due.minor) == ("cancelled", fee, fee)
        assert ledger.of(booking.id) == []

    def test_captured_later_the_rest_goes_back(self, booking, drain, ledger):
        _cancel(booking, drain)
        drain(include_delayed=True)
        fee = booking.fare_minor * 25 // 100
        assert ledger.of(booking.id) == [
            ("charge", "succeeded", booking.fare_minor),
            ("refund", "succeeded", booking.fare_minor - fee),
        ]
        seen = payment_of(booking.id)
        assert (seen.due.minor, seen.credit.minor, seen.captured.minor) == (fee, 0, booking.fare_minor)
        assert disagreements() == []


def _run(handler):
    for delivery in Delivery.objects.filter(handler=handler):
        deliver(delivery.id)
