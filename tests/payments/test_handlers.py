"""What the provider does, and what becomes of the fare. The ledger of the real simulator is the judge."""

import uuid
from datetime import timedelta

import pytest

from messaging.errors import OutcomeUnknown, Reject, Retry
from payments.models import Charge
from payments.providers.base import ProviderRefused
from tests.payments.conftest import FARE, Fare, last_event, published, sent, taken

ONE_CHARGE = [("charge", "succeeded", FARE.minor)]
AND_BACK = [*ONE_CHARGE, ("refund", "succeeded", FARE.minor)]
PAID, NOTHING, BACK = (1250, 1250, 0, 0), (0, 0, 0, 0), (0, 1250, 0, 1250)
OWED = (1250, 0, 1250, 0)


class TestCapture:
    def test_succeeds(self, provider):
        fare = Fare()
        assert fare.totals == NOTHING
        assert fare.capture.run() == "done"
        assert (fare.state, fare.totals) == ("captured", PAID)
        assert published(fare.booking_id) == ["payment.captured"]
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    @pytest.mark.parametrize(
        ("source", "code"),
        [
            ("tok_declined", "card_declined"),
            ("tok_declined_expired_card", "expired_card"),
        ],
    )
    def test_a_declined_card_is_an_outcome_not_an_error(self, provider, source, code):
        fare = Fare(source=source)
        fare.capture.run()
        assert (fare.state, fare.totals) == ("declined", NOTHING)
        assert last_event(fare.booking_id) == {"booking_id": str(fare.booking_id), "code": code}
        assert fare.capture.run() == "nothing to do"

    @pytest.mark.parametrize(
        ("outcome", "error", "charged_before_retry"),
        [
            ("error_before", OutcomeUnknown, False),
            ("error_after", OutcomeUnknown, True),
            ("timeout_before", OutcomeUnknown, False),
            ("timeout_after", OutcomeUnknown, True),
            ("drop_before", OutcomeUnknown, False),
            ("drop_after", OutcomeUnknown, True),
            ("unavailable", Retry, False),
        ],
    )
    def test_trouble_is_looked_up_and_charged_once(self, provider, outcome, error, charged_before_retry):
        fare = Fare()
        provider.script(outcome, operation="charge")
        with pytest.raises(error):
            fare.capture.run()
        assert provider.movements(fare.booking_id) == (ONE_CHARGE if charged_before_retry else [])
        assert (fare.state, fare.totals) == ("calling", NOTHING)

        intent = fare.capture.prepare()
        assert intent.may_have_been_sent
        found = fare.capture.gateway.lookup(intent)
        assert (found is not None) == charged_before_retry, "the look-up knows what happened"
        fare.capture.settle(intent, found or fare.capture.gateway.call(intent))
        assert (fare.state, fare.totals) == ("captured", PAID)
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    def test_retry_after_is_honoured(self, provider):
        fare = Fare()
        provider.script("unavailable")
        with pytest.raises(Retry) as caught:
            fare.capture.run()
        assert caught.value.after == 1.0

    def test_nobody_listens(self, provider, settings, nowhere):
        fare = Fare()
        there, settings.PAYMENT_PROVIDER_URL = settings.PAYMENT_PROVIDER_URL, nowhere
        with pytest.raises(Retry, match="not reached"):
            fare.capture.run()
        settings.PAYMENT_PROVIDER_URL = there
        fare.capture.run()
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    def test_a_look_up_that_fails_charges_nothing(self, provider):
        fare = Fare()
        provider.script("timeout_after", operation="charge")
        provider.script("error_before", operation="lookup")
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                fare.capture.run()
        fare.capture.run()
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    def test_a_request_the_provider_refuses_is_rejected(self, provider, settings):
        fare = Fare()
        settings.PAYMENT_PROVIDER_URL += "/no/such/api"
        with pytest.raises(ProviderRefused, match="404"):
            fare.capture.run()

    def test_an_answer_about_another_charge_is_not_trusted(self, provider):
        """The key was used for another amount: what the provider finds is not our charge."""
        fare = Fare()
        intent = fare.capture.prepare()
        provider.simulator.call(
            "POST",
            "/v1/charges",
            {"amount": 1, "currency": "USD", "source": "tok_visa", "reference": "another"},
            Authorization=f"Bearer sk_sim_{provider.account}",
            Idempotency_Key=intent.order.idempotency_key,
        )
        with pytest.raises(OutcomeUnknown, match="not the one"):
            fare.capture.run()


class TestCrashes:
    """The worker dies; another one takes the message over from the start."""

    def test_between_prepare_and_call(self, provider):
        fare = Fare()
        fare.capture.prepare()
        fare.capture.run()
        assert fare.totals == PAID
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    def test_between_call_and_settle(self, provider):
        fare = Fare()
        fare.capture.ask(fare.capture.prepare())
        fare.capture.run()
        assert fare.totals == PAID
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    def test_two_workers_at_the_same_message(self, provider):
        """The slow one finds that all is settled; its call was a replay."""
        fare = Fare()
        slow = fare.capture.prepare()
        fare.capture.run()
        fare.capture.settle(slow, fare.capture.gateway.call(slow))
        assert fare.totals == PAID
        assert published(fare.booking_id) == ["payment.captured"]
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    def test_a_second_copy_of_the_message(self, provider):
        fare = Fare()
        fare.capture.run()
        assert fare.capture.run() == "nothing to do"

    @pytest.mark.parametrize("asked", [False, True])
    def test_of_a_refund(self, provider, asked):
        fare = Fare()
        fare.capture.run()
        fare.refund()
        refund = taken("payments.refund")
        intent = refund.prepare()
        if asked:
            refund.ask(intent)
        refund.run()
        assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)


class TestDeadline:
    def test_nothing_is_sent_after_it(self, provider):
        fare = Fare(deadline=timedelta(seconds=-1))
        with pytest.raises(Reject, match="deadline"):
            fare.capture.run()
        fare.capture.die()
        assert (fare.state, fare.totals) == ("failed", NOTHING)
        assert provider.movements(fare.booking_id) == []

    def test_what_was_charged_before_it_is_captured_after_it(self, provider):
        fare = Fare(deadline=timedelta(seconds=60))
        fare.capture.ask(fare.capture.prepare())
        _pass_deadline(fare)
        fare.capture.run()
        assert fare.totals == PAID

    def test_an_answer_that_does_not_come_ends_it(self, provider):
        fare = Fare()
        fare.capture.prepare()
        _pass_deadline(fare)
        provider.script("error_before", operation="lookup")
        with pytest.raises(Reject, match="does not say"):
            fare.capture.run()


class TestGivingUp:
    def test_basic_fails_and_nothing_is_owed(self, provider):
        fare = Fare()
        fare.capture.prepare()
        fare.capture.die("HTTP 500, again")
        assert (fare.state, fare.totals) == ("in_doubt", NOTHING)
        assert last_event(fare.booking_id)["reason"] == "HTTP 500, again"
        fare.capture.die()
        assert published(fare.booking_id) == ["payment.failed"], "a second time changes nothing"
        assert fare.capture.run() == "nothing to do", "redriving it is obsolete"

    def test_what_turns_out_to_have_been_taken_goes_back(self, provider):
        fare = Fare()
        provider.script("timeout_after", operation="charge")
        with pytest.raises(OutcomeUnknown):
            fare.capture.run()
        fare.capture.die()
        assert taken("payments.resolve_unknown").run() == "done"
        assert (fare.state, fare.totals) == ("captured", PAID)
        assert taken("payments.refund").run() == "done"
        assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)
        assert published(fare.booking_id) == ["payment.failed", "payment.refunded"]
        assert taken("payments.resolve_unknown").run() == "nothing to do"

    def test_what_was_not_taken_stays_so(self, provider):
        fare = Fare()
        fare.capture.prepare()
        fare.capture.die()
        resolve = taken("payments.resolve_unknown")
        provider.script("unavailable", operation="lookup")
        with pytest.raises(Retry):
            resolve.run()
        resolve.run()
        assert (fare.state, fare.totals) == ("failed", NOTHING)
        assert published(fare.booking_id) == ["payment.failed"]
        assert provider.movements(fare.booking_id) == [], "looking never charges"

    def test_a_late_answer_after_giving_up_goes_back(self, provider):
        fare = Fare()
        intent = fare.capture.prepare()
        fare.capture.die()
        fare.capture.settle(intent, fare.capture.ask(intent))
        taken("payments.refund").run()
        assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)

    def test_doubt_that_cannot_be_resolved_is_left_to_people(self, provider):
        fare = Fare()
        fare.capture.prepare()
        fare.capture.die()
        taken("payments.resolve_unknown").die("still down")
        assert fare.state == "in_doubt"


@pytest.fixture
def generous(tenant_tier):
    """The tenant's tier gives store credit, for two fares and a half."""
    return tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=FARE.minor * 5 // 2)


class TestStoreCredit:
    def test_the_ride_goes_ahead_and_is_captured_later(self, provider, generous):
        fare = Fare()
        fare.capture.prepare()
        fare.capture.die()
        assert (fare.state, fare.totals) == ("on_credit", OWED)
        taken("payments.capture_credit").run()
        assert (fare.state, fare.totals) == ("captured", PAID)
        assert published(fare.booking_id) == ["payment.on_credit", "payment.captured"]
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    def test_a_charge_that_had_happened_is_found_not_repeated(self, provider, generous):
        fare = Fare()
        provider.script("error_after", operation="charge")
        with pytest.raises(OutcomeUnknown):
            fare.capture.run()
        fare.capture.die()
        credit = taken("payments.capture_credit")
        provider.script("timeout_before", operation="lookup")
        with pytest.raises(OutcomeUnknown):
            credit.run()
        credit.run()
        assert fare.totals == PAID
        assert provider.movements(fare.booking_id) == ONE_CHARGE

    def test_within_the_limit_only(self, provider, generous):
        fares = [Fare() for _ in range(3)]
        for fare in fares:
            fare.capture.die()
        assert [fare.state for fare in fares] == ["on_credit", "on_credit", "failed"]
        assert [fare.totals for fare in fares] == [OWED, OWED, NOTHING]
        assert published(fares[2].booking_id) == ["payment.failed"]

    def test_one_user_has_a_limit_of_their_own(self, provider, generous, tenant_tier):
        tenant_tier(store_credit_user_limit_minor=FARE.minor)
        user, other = uuid.uuid4(), uuid.uuid4()
        fares = [Fare(user_id=user), Fare(user_id=user), Fare(user_id=other)]
        for fare in fares:
            fare.capture.die()
        assert [fare.state for fare in fares] == ["on_credit", "failed", "on_credit"]

    def test_redriving_the_capture_pays_it_too(self, provider, generous):
        fare = Fare()
        fare.capture.die()
        fare.capture.run()
        assert fare.totals == PAID
        assert taken("payments.capture_credit").run() == "nothing to do"

    def test_a_card_declined_later_stays_owed(self, provider, generous):
        fare = Fare(source="tok_declined")
        fare.capture.die()
        credit = taken("payments.capture_credit")
        for _ in range(2):  # at the call first, then at the look-up
            with pytest.raises(Reject, match="declined"):
                credit.run()
        credit.die("declined")
        assert (fare.state, fare.totals) == ("on_credit", OWED)

    def test_cancelled_on_credit(self, provider, generous):
        fare = Fare()
        fare.capture.die()
        fare.refund()
        assert (fare.state, fare.totals) == ("in_doubt", NOTHING)
        assert last_event(fare.booking_id)["amount_minor"] == 0
        assert taken("payments.capture_credit").run() == "nothing to do"
        taken("payments.resolve_unknown").run()
        assert fare.state == "withdrawn"
        assert published(fare.booking_id) == ["payment.on_credit", "payment.refunded"]
        assert provider.movements(fare.booking_id) == []

    def test_cancelled_while_it_is_being_captured(self, provider, generous):
        fare = Fare()
        fare.capture.die()
        credit = taken("payments.capture_credit")
        intent = credit.prepare()
        answer = credit.ask(intent)
        fare.refund()
        credit.settle(intent, answer)
        taken("payments.refund").run()
        assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)


class TestRefund:
    def test_of_what_was_captured(self, provider):
        fare = Fare()
        fare.capture.run()
        fare.refund()
        fare.refund()
        assert fare.totals == PAID, "due until it is back"
        refund = taken("payments.refund")
        assert refund.run() == "done"
        assert refund.run() == "nothing to do"
        assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)
        assert published(fare.booking_id) == ["payment.captured", "payment.refunded"]

    @pytest.mark.parametrize("outcome", ["error_before", "error_after", "timeout_after", "drop_after", "unavailable"])
    def test_trouble_is_looked_up_and_refunded_once(self, provider, outcome):
        fare = Fare()
        fare.capture.run()
        fare.refund()
        refund = taken("payments.refund")
        provider.script(outcome, operation="refund")
        with pytest.raises((OutcomeUnknown, Retry)):
            refund.run()
        refund.run()
        assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)

    def test_given_up_then_redriven(self, provider):
        fare = Fare()
        fare.capture.run()
        fare.refund()
        refund = taken("payments.refund")
        refund.prepare()
        refund.die("down for days")
        refund.die("down for days")
        assert fare.totals == PAID
        refund.run()
        assert fare.totals == BACK
        assert published(fare.booking_id) == ["payment.captured", "payment.refund_failed", "payment.refunded"]

    def test_before_anything_was_sent(self, provider):
        fare = Fare()
        fare.refund()
        assert fare.capture.run() == "nothing to do"
        assert (fare.state, fare.totals) == ("withdrawn", NOTHING)
        assert last_event(fare.booking_id)["refund_id"] is None
        assert provider.movements(fare.booking_id) == []

    def test_while_the_card_is_being_charged(self, provider):
        """Cancelled in flight: no `payment.captured`; what was taken goes back, and the ride hears of it once."""
        fare = Fare()
        intent = fare.capture.prepare()
        fare.refund()
        assert published(fare.booking_id) == []
        fare.capture.settle(intent, fare.capture.ask(intent))
        taken("payments.refund").run()
        assert published(fare.booking_id) == ["payment.refunded"]
        assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)
        assert taken("payments.resolve_unknown").run() == "nothing to do"

    def test_while_a_card_is_being_declined(self, provider):
        fare = Fare(source="tok_declined")
        intent = fare.capture.prepare()
        fare.refund()
        fare.capture.settle(intent, fare.capture.ask(intent))
        assert (fare.state, published(fare.booking_id)) == ("withdrawn", ["payment.refunded"])
        assert last_event(fare.booking_id)["amount_minor"] == 0

    def test_in_flight_and_the_worker_dies(self, provider):
        fare = Fare()
        fare.capture.ask(fare.capture.prepare())
        fare.refund()
        assert fare.capture.run() == "nothing to do"
        taken("payments.resolve_unknown").run()
        taken("payments.refund").run()
        assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)


def test_one_command_per_request(provider):
    before = sent("payments.capture")
    Fare()
    assert sent("payments.capture") == before + 1


def test_statements_of_a_capture(provider, django_assert_num_queries):
    """Three in prepare (charge, account, mark); in settle lock, charge, totals, books, event, delivery. And a transaction's two
    (here savepoints)."""
    fare = Fare()
    with django_assert_num_queries(3 + 2):
        intent = fare.capture.prepare()
    with django_assert_num_queries(0):
        answer = fare.capture.ask(intent)
    with django_assert_num_queries(5 + 2):
        fare.capture.settle(intent, answer)


def _pass_deadline(fare):
    charge = Charge.objects.get(booking_id=fare.booking_id)
    Charge.objects.filter(id=charge.id).update(deadline_at=charge.created_at - timedelta(seconds=1))
