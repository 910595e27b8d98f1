"""Payments' life as a state machine: any step in any order, against a model of what the provider has and what is owed."""

import uuid
from contextlib import suppress
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from payments import services
from payments.agreement import disagreements
from payments.domain import Standing, UnableToRefund
from payments.ledger import services as ledger
from payments.ledger.domain import Account, Line
from payments.ledger.models import Entry, EntryKind, EntryLine
from payments.ledger.selectors import balances, unbalanced_entries
from payments.models import Charge, Refund, Totals
from payments.providers.base import ProviderAnswer
from wildrydes.kernel.money import Money

AMOUNTS = st.one_of(st.integers(1, 5_000), st.sampled_from([1, 2, 9_999_999, 10_000_000]))
OUTCOMES = st.sampled_from(["succeeded", "succeeded", "declined", "absent"])
SABOTAGE = (
    "UPDATE ledger_entryline SET amount_minor = amount_minor + 1",
    "UPDATE ledger_entry SET kind = 'captured'",
    "DELETE FROM ledger_entryline",
    "DELETE FROM ledger_entry",
    "TRUNCATE ledger_entryline, ledger_entry",
    "UPDATE payments_totals SET captured_minor = captured_minor + 1",
)
STEPS_TAKEN = [0]


class Books(RuleBasedStateMachine):
    """One company's payments; everything is rolled back at the end."""

    bookings = Bundle("bookings")
    refunds = Bundle("refunds")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.said: dict[uuid.UUID, str] = {}
        self.given_back: dict[uuid.UUID, int] = {}
        self.amounts: dict[uuid.UUID, int] = {}
        self.accepted = 0
        self.touched: set[uuid.UUID] = set()

    @rule(target=bookings, amount=AMOUNTS, late=st.booleans())
    def ask_for_a_fare(self, amount: int, late: bool) -> uuid.UUID:
        booking_id = uuid.uuid4()
        services.request_capture(
            booking_id=booking_id,
            amount=Money(amount, "USD"),
            source="tok_visa",
            deadline=timedelta(minutes=-1 if late else 5),
        )
        self.amounts[booking_id] = amount
        self.given_back[booking_id] = 0
        return self._step(booking_id)

    @rule(booking=bookings)
    def begin_to_take_it(self, booking: uuid.UUID) -> None:
        services.begin_capture(charge_id=self._charge(booking).id)
        self._step(booking)

    @rule(booking=bookings, outcome=OUTCOMES)
    def hear_from_the_provider(self, booking: uuid.UUID, outcome: str) -> None:
        """What it has said once it says for ever; that it knows of nothing may change."""
        if self.said.get(booking, "absent") == "absent":
            self.said[booking] = outcome
        answer = ProviderAnswer(standing=Standing(self.said[booking]), ref=f"ch_{booking.hex}", code="c")
        services.settle_capture(charge_id=self._charge(booking).id, answer=answer)
        self._step(booking)

    @rule(booking=bookings)
    def give_it_up(self, booking: uuid.UUID) -> None:
        services.give_up_capture(charge_id=self._charge(booking).id, reason="The provider is down.")
        self._step(booking)

    @rule(target=refunds, booking=bookings, share=st.integers(1, 100))
    def ask_it_back(self, booking: uuid.UUID, share: int) -> uuid.UUID:
        amount = max(1, self.amounts[booking] * share // 100)
        with suppress(UnableToRefund):
            services.request_refund(booking_id=booking, amount=Money(amount, "USD"), reason="cancelled")
        return self._step(booking)

    @rule(booking=refunds)
    def have_it_given_back(self, booking: uuid.UUID) -> None:
        for refund in Refund.objects.filter(charge__booking_id=booking):
            services.begin_refund(refund_id=refund.id)
            if refund.state != "succeeded":
                self.given_back[booking] += refund.amount_minor
            services.settle_refund(
                refund_id=refund.id, answer=ProviderAnswer(standing=Standing.SUCCEEDED, ref=f"re_{refund.id.hex}")
            )
        self._step(booking)

    @rule(booking=consumes(refunds))
    def give_the_refund_up(self, booking: uuid.UUID) -> None:
        for refund in Refund.objects.filter(charge__booking_id=booking):
            services.give_up_refund(refund_id=refund.id, reason="The provider is down.")
        self._step(booking)

    @rule(amount=st.integers(-5_000, 5_000).filter(bool))
    def accept_a_difference(self, amount: int) -> None:
        fact = ledger.Fact(kind=EntryKind.ADJUSTED, once=f"item:{uuid.uuid4()}", currency="USD")
        ledger.post_lines(fact, (Line(Account.PROVIDER, amount), Line(Account.DISCREPANCIES, -amount)))
        self.accepted += amount
        STEPS_TAKEN[0] += 1

    @rule(minors=st.lists(st.integers(-3, 3).filter(bool), max_size=4))
    def post_what_does_not_balance(self, minors: list[int]) -> None:
        """The code refuses it; past the code, the database does."""
        STEPS_TAKEN[0] += 1
        if sum(minors) == 0 and len(minors) > 1:
            return
        try:
            with transaction.atomic():
                entry = Entry.objects.create(kind=EntryKind.ADJUSTED, once=f"bad:{uuid.uuid4()}")
                EntryLine.objects.bulk_create(
                    EntryLine(entry=entry, account="provider", amount_minor=minor, currency="USD") for minor in minors
                )
                _now()
        except DatabaseError:
            connection.cursor().execute("SET CONSTRAINTS ALL DEFERRED")
            return
        raise AssertionError(f"{minors} was booked")

    @rule(statement=st.sampled_from(SABOTAGE))
    def meddle(self, statement: str) -> None:
        STEPS_TAKEN[0] += 1
        _now()
        before = Entry.objects.count() if "ledger" in statement else Totals.objects.count()
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError:
            return
        assert before == 0, f"{statement} was let through"

    @invariant()
    def what_was_touched_balances(self) -> None:
        """Books, totals and the provider say the same of each booking that a step has touched."""
        _now()
        for booking in self.touched:
            totals = Totals.objects.get(booking_id=booking)
            taken = self.amounts[booking] if self._was_taken(booking) else 0
            assert disagreements(booking_id=booking) == []
            assert (totals.captured_minor, totals.refunded_minor) == (taken, self.given_back[booking])
            assert totals.due_minor == taken + totals.credit_minor - self.given_back[booking] >= 0
            assert totals.credit_minor in (0, self.amounts[booking] - self._charge(booking).forgiven_minor)
        self.touched.clear()

    def teardown(self) -> None:
        """The whole of the books once more, then all of it is undone."""
        try:
            self._whole()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def _whole(self) -> None:
        if connection.needs_rollback:
            return
        sums = balances(currency="USD")
        held = sum(self.amounts[booking] for booking in self.said if self._was_taken(booking))
        assert sums[Account.PROVIDER] == held - sum(self.given_back.values()) + self.accepted
        assert sums[Account.RECEIVABLE] == 0
        assert sum(sums.values()) == 0
        assert unbalanced_entries() == []
        assert disagreements() == []

    def _was_taken(self, booking: uuid.UUID) -> bool:
        return self.said.get(booking) == "succeeded"

    def _charge(self, booking: uuid.UUID) -> Charge:
        return Charge.objects.get(booking_id=booking)

    def _step(self, booking: uuid.UUID) -> uuid.UUID:
        STEPS_TAKEN[0] += 1
        self.touched.add(booking)
        return booking


def _now() -> None:
    """What is checked at commit is checked now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
