"""What every adapter has to do, whoever is behind it. A new provider gets a line in `conftest.PROVIDERS` and passes."""

from dataclasses import replace

import pytest

from messaging.errors import OutcomeUnknown, Retry
from payments.domain import Standing
from payments.providers import ADAPTERS
from payments.providers.base import ProviderRefused
from tests.payments.providers.conformance.conftest import PROVIDERS, Stage

TAKEN = [("charge", 1250, "USD")]
# What happens to a call, and whether it was done.
TROUBLE = {
    "error_before": False, "error_after": True, "timeout_before": False, "timeout_after": True, "drop_before": False,
    "drop_after": True, "unavailable": False,
}  # fmt: skip


def test_every_provider_is_held_to_it():
    assert set(PROVIDERS) == set(ADAPTERS)


class TestCharging:
    def test_captured(self, stage: Stage):
        order, answer = stage.captured()
        assert (answer.standing, bool(answer.ref)) == (Standing.SUCCEEDED, True)
        assert stage.movements() == TAKEN
        assert stage.find(order) == answer

    @pytest.mark.parametrize("currency", ["EUR", "JPY"])
    def test_in_minor_units_of_the_currency(self, stage: Stage, currency):
        stage.captured(amount_minor=777, currency=currency)
        assert stage.movements() == [("charge", 777, currency)]

    def test_declined(self, stage: Stage):
        _, answer = stage.captured(source=stage.words.declined)
        assert (answer.standing, answer.code) == (Standing.DECLINED, "expired_card")
        assert stage.movements() == []

    def test_a_token_that_the_provider_does_not_know(self, stage: Stage):
        answer = stage.charge(stage.order(source=stage.words.unknown))
        assert (answer.standing, answer.code) == (Standing.DECLINED, "invalid_source")

    def test_the_company_s_card_on_file(self, stage: Stage):
        order = stage.order(source="tok_company")
        stage.charge(order)
        assert stage.decided(order).standing is Standing.SUCCEEDED

    def test_slow(self, stage: Stage):
        stage.dials(latency_ms=150, settle_ms=20)
        assert stage.captured()[1].standing is Standing.SUCCEEDED

    @pytest.mark.parametrize("again", ["charge", "find"])
    def test_asked_twice_is_one_charge(self, stage: Stage, again):
        order, answer = stage.captured()
        repeated = stage.charge(order) if again == "charge" else stage.find(order)
        assert repeated == answer
        assert stage.movements() == TAKEN

    def test_asked_twice_without_the_id(self, stage: Stage):
        """The answer to the first was lost with the worker, before anything of it was committed."""
        order, answer = stage.captured()
        assert stage.provider.charge(order, remember=lambda ref: None).ref == answer.ref
        assert stage.movements() == TAKEN

    def test_nothing_is_found_of_what_was_never_sent(self, stage: Stage):
        assert stage.find(stage.order()) is None

    @pytest.mark.parametrize("outcome", TROUBLE)
    def test_trouble_then_looked_up_is_one_charge(self, stage: Stage, outcome):
        order = stage.order()
        stage.script(outcome, step="charge")
        with pytest.raises(Retry if outcome == "unavailable" else OutcomeUnknown):
            stage.charge(order)
        found = stage.find(order)
        assert (found is not None) == TROUBLE[outcome]
        if found is None:
            stage.charge(order)
        assert stage.decided(order).standing is Standing.SUCCEEDED
        assert stage.movements() == TAKEN

    def test_trouble_in_a_row(self, stage: Stage):
        order = stage.order()
        stage.script("timeout_before", "error_before", "drop_before", "timeout_after", step="charge")
        for _ in range(8):
            try:
                if stage.find(order) is None:
                    stage.charge(order)
            except (Retry, OutcomeUnknown):
                continue
        assert stage.decided(order).standing is Standing.SUCCEEDED
        assert stage.movements() == TAKEN

    def test_retry_after(self, stage: Stage):
        stage.script("unavailable", step="charge")
        with pytest.raises(Retry) as caught:
            stage.charge(stage.order())
        assert caught.value.after == 1.0

    # A GET whose connection is cut before a byte is sent once more by the client itself.
    @pytest.mark.parametrize("outcome", ["error_before", "timeout_before", "unavailable"])
    def test_a_look_up_in_trouble_says_nothing(self, stage: Stage, outcome):
        order, _ = stage.captured()
        stage.script(outcome, step="lookup")
        with pytest.raises(Retry if outcome == "unavailable" else OutcomeUnknown):
            stage.find(order)
        assert stage.find(order) is not None

    @pytest.mark.parametrize("changes", [{"amount_minor": 1251}, {"currency": "EUR"}], ids=["amount", "currency"])
    def test_another_charge_under_our_key_is_not_ours(self, stage: Stage, changes):
        order, _ = stage.captured()
        other = replace(order, **changes)
        with pytest.raises(OutcomeUnknown):
            stage.find(other)
        with pytest.raises((ProviderRefused, OutcomeUnknown)):
            stage.provider.charge(other, remember=lambda ref: None)
        assert stage.movements() == TAKEN

    def test_nobody_listens(self, stage: Stage):
        stage.access = replace(stage.access, base_url="http://127.0.0.1:9")
        for ask in (stage.charge, stage.find):
            with pytest.raises(Retry):
                ask(stage.order())

    def test_a_key_that_is_not_accepted(self, stage: Stage):
        stage.access = replace(stage.access, api_key="sk_of_nobody")
        with pytest.raises(ProviderRefused) as caught:
            stage.charge(stage.order())
        assert "sk_of_nobody" not in str(caught.value)
        assert "\n" not in str(caught.value)


class TestGivingBack:
    @pytest.mark.parametrize("amount", [1250, 1, 400])
    def test_in_full_and_in_part(self, stage: Stage, amount):
        _, charge = stage.captured()
        order = stage.refund_order(charge.ref, amount)
        answer = stage.refunded(order)
        assert (answer.standing, bool(answer.ref)) == (Standing.SUCCEEDED, True)
        assert stage.movements() == [*TAKEN, ("refund", amount, "USD")]

    def test_twice_is_once(self, stage: Stage):
        _, charge = stage.captured()
        order = stage.refund_order(charge.ref, 400)
        first = stage.refunded(order)
        assert stage.refunded(order) == first
        assert stage.movements() == [*TAKEN, ("refund", 400, "USD")]

    def test_more_than_is_left_is_refused(self, stage: Stage):
        _, charge = stage.captured()
        stage.refunded(stage.refund_order(charge.ref, 1000))
        with pytest.raises(ProviderRefused):
            stage.provider.refund(stage.refund_order(charge.ref, 251))
        assert stage.movements()[1:] == [("refund", 1000, "USD")]

    def test_of_a_charge_that_is_not_there(self, stage: Stage):
        with pytest.raises(ProviderRefused):
            stage.provider.refund(stage.refund_order("ch_nobodys"))

    def test_nothing_is_found_of_what_was_never_sent(self, stage: Stage):
        _, charge = stage.captured()
        assert stage.provider.find_refund(stage.refund_order(charge.ref)) is None

    @pytest.mark.parametrize("outcome", TROUBLE)
    def test_trouble_then_looked_up_is_one_refund(self, stage: Stage, outcome):
        _, charge = stage.captured()
        order = stage.refund_order(charge.ref, 400)
        stage.script(outcome, step="refund")
        with pytest.raises(Retry if outcome == "unavailable" else OutcomeUnknown):
            stage.provider.refund(order)
        assert (stage.provider.find_refund(order) is not None) == TROUBLE[outcome]
        assert stage.refunded(order).standing is Standing.SUCCEEDED
        assert stage.movements() == [*TAKEN, ("refund", 400, "USD")]

    @pytest.mark.parametrize("changes", [{"amount_minor": 399}, {"currency": "EUR"}], ids=["amount", "currency"])
    def test_another_refund_under_our_key_is_not_ours(self, stage: Stage, changes):
        _, charge = stage.captured()
        order = stage.refund_order(charge.ref, 400)
        stage.refunded(order)
        with pytest.raises(OutcomeUnknown):
            stage.provider.find_refund(replace(order, **changes))
