"""Whatever happens in whatever order, and whoever dies: in the end our totals are the provider's ledger."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from messaging.errors import OutcomeUnknown, Reject, Retry
from messaging.journal.models import Message
from payments.models import Charge, Refund
from tests.payments.conftest import FARE, ByHand, Fare, Provider, published, taken_message

TROUBLE = ("ok", "error_before", "error_after", "drop_before", "drop_after", "unavailable")
STEPS = st.one_of(
    st.sampled_from(["prepare", "ask", "settle", "give up capture", "ask for refund", "give up refund"]),
    st.tuples(st.sampled_from(["capture", "capture_credit", "resolve_unknown", "refund"]), st.sampled_from(TROUBLE)),
)


class Life:
    """One booking's payment, with workers that hold on to what they have and may come back late."""

    def __init__(self, provider: Provider, source: str) -> None:
        self.provider = provider
        self.fare = Fare(source=source)
        self.charge = Charge.objects.get(booking_id=self.fare.booking_id)
        self.held: list[object] = []
        self.answered: list[tuple[object, object]] = []
        self.refund_wanted = False

    def do(self, step: str | tuple[str, str]) -> None:
        if isinstance(step, tuple):
            self._run(*step)
        elif step == "prepare":
            self._hold()
        elif step == "ask":
            self._ask()
        elif step == "settle" and self.answered:
            self.fare.capture.settle(*self.answered.pop())
        elif step == "give up capture":
            self.fare.capture.die()
        elif step == "ask for refund":
            self.refund_wanted = True
            self.fare.refund()
        elif step == "give up refund":
            for message in self._messages("refund"):
                message.die()

    def end_well(self) -> None:
        """The provider is well again, all workers have died, and what is left of the messages is worked off."""
        self.provider.reset()
        for _ in range(2):  # a refund that was asked for by the last of the first round
            for topic in ("capture", "capture_credit", "resolve_unknown", "refund"):
                self._run(topic, "ok")

    def _run(self, topic: str, trouble: str) -> None:
        for message in self._messages(topic):
            operation = "refund" if topic == "refund" else "charge"
            self.provider.reset()
            self.provider.script(trouble, operation=operation)
            with suppress(Retry, OutcomeUnknown, Reject):
                message.run()
        self.provider.reset()

    def _hold(self) -> None:
        intent = self.fare.capture.prepare()
        if intent is not None:
            self.held.append(intent)

    def _ask(self) -> None:
        """Late, but not later than a lease: the look-up of what is in doubt waits for those."""
        if self.held and self.fare.state in ("calling", "on_credit", "in_doubt"):
            intent = self.held.pop()
            with suppress(Reject):
                self.answered.append((intent, self.fare.capture.ask(intent)))

    def _messages(self, topic: str) -> list[ByHand]:
        ids = [str(self.charge.id), *map(str, Refund.objects.filter(charge=self.charge).values_list("id", flat=True))]
        field = "refund_id" if topic == "refund" else "charge_id"
        found = Message.objects.filter(topic=f"payments.{topic}", **{f"payload__{field}__in": ids})
        return [taken_message(message) for message in found.order_by("id")]


@pytest.mark.parametrize("outcome", ["fail", "store_credit"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(steps=[("capture", "error_after"), "ask for refund"], source="tok_visa")
@example(steps=[("capture", "drop_after"), "give up capture"], source="tok_visa")
@example(steps=["prepare", "ask", "give up capture", "settle", "ask for refund"], source="tok_visa")
@example(
    steps=["prepare", "ask for refund", "ask", "settle", ("refund", "error_after"), "give up refund"], source="tok_visa"
)
@example(steps=["give up capture", ("capture_credit", "drop_after"), "ask for refund"], source="tok_visa")
@given(steps=st.lists(STEPS, max_size=10), source=st.sampled_from(["tok_visa", "tok_visa", "tok_declined"]))
def test_totals_are_the_ledger(provider, tenant_tier, outcome, steps, source):
    tenant_tier(payment_failure_outcome=outcome, store_credit_limit_minor=10**9)
    life = Life(provider, source)
    for step in steps:
        life.do(step)
    life.end_well()

    booked = provider.movements(life.fare.booking_id)
    charged = [amount for kind, status, amount in booked if (kind, status) == ("charge", "succeeded")]
    refunded = [amount for kind, _, amount in booked if kind == "refund"]
    due, captured, credit, given_back = life.fare.totals
    assert len(charged) <= 1
    assert (sum(charged), sum(refunded)) == (captured, given_back)
    topics = published(life.fare.booking_id)
    if life.refund_wanted or "payment.failed" in topics or source == "tok_declined":
        owed = source == "tok_declined" and life.fare.state == "on_credit"
        assert (due, credit) == ((FARE.minor, FARE.minor) if owed else (0, 0))
    else:
        assert (due, credit) == (FARE.minor, 0)
        assert "payment.captured" in topics
    if life.refund_wanted:
        assert "payment.refunded" in topics
    for once in (
        "payment.captured",
        "payment.failed",
        "payment.declined",
        "payment.on_credit",
        "payment.refund_failed",
    ):
        assert topics.count(once) <= 1
