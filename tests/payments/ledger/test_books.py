import uuid
from datetime import UTC, datetime
from importlib import import_module

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from payments import agreement, services
from payments.domain import Standing
from payments.ledger import services as ledger
from payments.ledger.domain import Account, Line, Movement, Unbalanced
from payments.ledger.models import Entry, EntryKind, EntryLine
from payments.ledger.selectors import balances, entries_of, guards_missing, unbalanced_entries
from payments.models import Charge, Refund, Totals
from payments.providers.base import ProviderAnswer
from tenants.registry.context import enter_tenant
from tests.payments.conftest import FARE, Fare
from wildrydes.kernel.money import Money

TAKEN = ProviderAnswer(standing=Standing.SUCCEEDED, ref="ch_1")


def booked(fare: Fare) -> list[tuple[str, dict[str, int]]]:
    return [
        (entry.kind, {line.account: line.amount_minor for line in entry.lines.all() if line.account != "receivable"})
        for entry in entries_of(fare.booking_id)
    ]


def capture(fare: Fare) -> None:
    with transaction.atomic():
        services.settle_capture(charge_id=charge_of(fare).id, answer=TAKEN)


def charge_of(fare: Fare) -> Charge:
    return Charge.objects.get(booking_id=fare.booking_id)


def at_commit() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class TestMovement:
    def test_what_does_not_add_up_is_refused(self):
        with pytest.raises(Unbalanced):
            Movement(captured=5, due=4)

    @pytest.mark.parametrize("amount", [1.0, True, "1"], ids=str)
    def test_money_is_an_integer(self, amount):
        with pytest.raises(TypeError):
            Movement(captured=amount, due=amount)

    def test_lines_add_up_and_leave_nothing_on_the_receivable(self):
        for movement in (
            Movement(captured=7, due=7),
            Movement(captured=7, credit=-5, due=2),
            Movement(credit=7, due=7),
            Movement(refunded=3, due=-3),
            Movement(captured=10, refunded=4, due=6),
        ):
            lines = movement.lines()
            assert sum(line.minor for line in lines) == 0
            assert sum(line.minor for line in lines if line.account is Account.RECEIVABLE) == 0
            assert all(line.minor for line in lines)


class TestEntries:
    def test_of_a_capture_and_its_refund(self, in_tenant):
        fare = Fare()
        capture(fare)
        fare.refund(Money(400, "USD"))
        refund = charge_of(fare).refund
        with transaction.atomic():
            services.settle_refund(refund_id=refund.id, answer=ProviderAnswer(standing=Standing.SUCCEEDED, ref="re_1"))
        assert booked(fare) == [
            ("captured", {"revenue": -FARE.minor, "provider": FARE.minor}),
            ("refunded", {"refunds": 400, "provider": -400}),
        ]
        assert [entry.provider_ref for entry in entries_of(fare.booking_id)] == ["ch_1", "re_1"]
        assert agreement.disagreements() == []

    def test_of_store_credit_that_is_captured_later(self, in_tenant, tenant_tier):
        tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=10**6)
        fare = Fare()
        fare.capture.die()
        assert balances(currency="USD")[Account.STORE_CREDIT] == FARE.minor
        capture(fare)
        assert booked(fare) == [
            ("credit_given", {"revenue": -FARE.minor, "store_credit": FARE.minor}),
            ("credit_captured", {"store_credit": -FARE.minor, "provider": FARE.minor}),
        ]
        assert agreement.disagreements() == []

    def test_of_store_credit_that_is_forgiven(self, in_tenant, tenant_tier):
        tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=10**6)
        fare = Fare()
        fare.capture.die()
        fare.refund()
        assert booked(fare)[1] == ("credit_forgiven", {"revenue": FARE.minor, "store_credit": -FARE.minor})
        assert sum(balances(currency="USD").values()) == 0

    def test_a_fact_is_booked_once(self, in_tenant):
        fact = ledger.Fact(kind=EntryKind.ADJUSTED, once="item:1", currency="USD")
        lines = (Line(Account.PROVIDER, 5), Line(Account.DISCREPANCIES, -5))
        ledger.post_lines(fact, lines)
        with pytest.raises(IntegrityError, match="once"), transaction.atomic():
            ledger.post_lines(fact, lines)

    def test_lines_that_do_not_add_up_are_refused_before_the_database_sees_them(self, in_tenant):
        fact = ledger.Fact(kind=EntryKind.ADJUSTED, once="item:1", currency="USD")
        for lines in ((), (Line(Account.PROVIDER, 5), Line(Account.DISCREPANCIES, -4))):
            with pytest.raises(Unbalanced):
                ledger.post_lines(fact, lines)


class TestTheDatabase:
    @pytest.mark.parametrize(
        "lines", [[], [("provider", 5, "USD")], [("provider", 5, "USD"), ("revenue", -5, "EUR")]], ids=len
    )
    def test_refuses_what_does_not_balance_when_it_is_committed(self, in_tenant, lines):
        with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
            entry = Entry.objects.create(kind=EntryKind.ADJUSTED, once="item:1")
            for account, minor, currency in lines:
                EntryLine.objects.create(entry=entry, account=account, amount_minor=minor, currency=currency)
            at_commit()

    def test_refuses_a_line_added_to_an_old_entry(self, in_tenant):
        fare = Fare()
        capture(fare)
        at_commit()
        with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
            EntryLine.objects.create(
                entry=entries_of(fare.booking_id)[0], account="provider", amount_minor=1, currency="USD"
            )

    @pytest.mark.parametrize("table", ["ledger_entry", "ledger_entryline"])
    @pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
    def test_keeps_what_is_written(self, in_tenant, table, verb):
        capture(Fare())
        at_commit()
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(verb.format(table))

    def test_guards_came_with_the_template(self, in_tenant, other_tenant):
        with enter_tenant(other_tenant):
            assert guards_missing() == []


class TestAgreement:
    def test_finds_what_was_moved_around_the_books_and_takes_it_over(self, in_tenant, capsys):
        fare = Fare()
        Totals.objects.filter(booking_id=fare.booking_id).update(due_minor=9, captured_minor=10, refunded_minor=1)
        with pytest.raises(CommandError, match="1 findings"):
            call_command("ledger", "check", tenant=in_tenant.slug)
        assert f"booking {fare.booking_id}: totals due 9 captured 10" in capsys.readouterr().out

        assert agreement.adopt() == 1
        assert agreement.adopt() == 0
        at_commit()
        call_command("ledger", "check", tenant=in_tenant.slug)
        assert balances(currency="USD")[Account.PROVIDER] == 9

    def test_finds_entries_without_totals(self, in_tenant):
        booking_id = uuid.uuid4()
        fact = ledger.Fact(kind=EntryKind.CAPTURED, once="captured:1", currency="USD", booking_id=booking_id)
        ledger.post(fact, Movement(captured=5, due=5))
        [found] = agreement.disagreements()
        assert (found.booking_id, found.booked.captured, found.totals.captured) == (booking_id, 5, 0)
        assert agreement.adopt() == 0

    def test_finds_triggers_that_were_switched_off(self, in_tenant):
        at_commit()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_keeps")
        with pytest.raises(CommandError, match="1 findings"):
            call_command("ledger", "check", tenant=in_tenant.slug)
        assert unbalanced_entries() == []

    def test_an_unknown_tenant_is_one_line(self, in_tenant):
        with pytest.raises(CommandError, match="no working tenant"):
            call_command("ledger", "check", tenant="nobody")


def test_totals_and_books_are_one_commit(committed, in_tenant):
    """What is refused by the one leaves nothing in the other."""
    fare = Fare()
    charge = charge_of(fare)
    fact = ledger.Fact(
        kind=EntryKind.CAPTURED, once=f"captured:{charge.id}", currency="USD", booking_id=fare.booking_id
    )
    with transaction.atomic():
        ledger.post(fact, Movement(captured=FARE.minor, due=FARE.minor))
    with pytest.raises(IntegrityError, match="once"):
        capture(fare)
    assert fare.totals == (0, 0, 0, 0)
    assert fare.state == "pending"


def test_the_books_begin_with_what_the_totals_say(in_tenant, tenant_tier):
    """Migration 0003, over bookings whose money moved before there were books."""
    tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=10**6)
    take_over = import_module("payments.ledger.migrations.0003_take_over").TAKE_OVER
    captured, refunded, owed, nothing = (Fare() for _ in range(4))
    for fare in (captured, refunded):
        Charge.objects.filter(booking_id=fare.booking_id).update(
            state="captured", provider_ref=f"ch_{fare.booking_id.hex}", settled_at=datetime(2026, 11, 1, tzinfo=UTC)
        )
        Totals.objects.filter(booking_id=fare.booking_id).update(due_minor=FARE.minor, captured_minor=FARE.minor)
    Refund.objects.create(
        charge=charge_of(refunded), amount_minor=50, currency="USD", reason="r", idempotency_key="k",
        state="succeeded", provider_ref="re_1", settled_at=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip
    Totals.objects.filter(booking_id=refunded.booking_id).update(due_minor=FARE.minor - 50, refunded_minor=50)
    Totals.objects.filter(booking_id=owed.booking_id).update(due_minor=FARE.minor, credit_minor=FARE.minor)

    with connection.cursor() as cursor:
        cursor.execute(take_over)
    at_commit()
    assert agreement.disagreements() == []
    assert booked(refunded)[1] == ("refunded", {"refunds": 50, "provider": -50})
    assert booked(nothing) == []
    assert [str(entry.occurred_at.date()) for entry in entries_of(refunded.booking_id)] == ["2026-11-01", "2026-11-02"]
