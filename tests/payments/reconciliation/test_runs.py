"""Runs: one per period whoever starts them, and gone on with where they stopped."""

import hashlib
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from messaging.consuming import deliver
from messaging.journal.models import Message
from messaging.models import DeadLetter, Delivery
from payments import services
from payments.ledger.domain import Account
from payments.ledger.selectors import balances
from payments.models import Charge
from payments.reconciliation import records, runs
from payments.reconciliation.jobs import reconcile_days, watch_open_payments
from payments.reconciliation.models import Item, Movement, Run, RunKind, Statement
from payments.reconciliation.statements import FIGURES, as_csv, canonical
from tenants.registry.context import enter_public, enter_tenant
from tests.payments.conftest import FARE, Fare
from tests.payments.reconciliation.conftest import SOMEBODY
from tests.support.draining import drain as drain_deliveries
from wildrydes.kernel.money import Money

TOMORROW = datetime.now(UTC).replace(hour=0, minute=30) + timedelta(days=1)


class TestOnePerPeriod:
    def test_a_day_waits_until_it_is_settled(self, books):
        assert not runs.open_daily_run(now=TOMORROW.replace(minute=14))
        assert runs.open_daily_run(now=TOMORROW)
        assert not runs.open_daily_run(now=TOMORROW)

    def test_the_next_day_waits_for_the_one_before(self, books, drain):
        late = TOMORROW + timedelta(days=5)
        assert runs.open_daily_run(now=late)
        assert not runs.open_daily_run(now=late)
        drain()
        assert runs.open_daily_run(now=late)
        first, second = Run.objects.filter(kind=RunKind.DAILY).order_by("period_start")
        assert second.period_start == first.period_end

    def test_one_on_demand_at_a_time(self, books):
        runs.open_run_on_demand(actor=SOMEBODY)
        with pytest.raises(runs.RunUnderWay):
            runs.open_run_on_demand(actor=SOMEBODY)

    def test_the_database_refuses_a_second_one(self, books):
        runs.open_daily_run(now=TOMORROW)
        run = Run.objects.get()
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.create(kind=run.kind, period_start=run.period_start, period_end=run.period_end, state="done")


def test_two_schedulers_begin_one(committed, in_tenant):
    together = threading.Barrier(4)

    def begin(_: int) -> bool:
        try:
            with enter_tenant(in_tenant):
                together.wait()
                return runs.open_daily_run(now=TOMORROW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(begin, range(4))) == [False, False, False, True]
    assert Run.objects.count() == 1
    with enter_public():
        assert Delivery.objects.filter(handler="reconciliation.fetch_page").count() == 1


class TestPages:
    @pytest.fixture(autouse=True)
    def small_pages(self, monkeypatch):
        monkeypatch.setattr(records, "PAGE", 2)

    def test_are_read_to_the_end(self, books):
        books.fares(5)
        run = books.compare()
        assert (run.movements, run.step, Movement.objects.count(), run.found) == (5, 3, 5, 0)

    def test_go_on_when_the_provider_is_back(self, books, drain):
        books.fares(3)
        books.provider.script("unavailable", "timeout_before", "error_before", "drop_before", operation="list")
        run = runs.open_run_on_demand(actor=SOMEBODY)
        drain(include_delayed=True)
        run.refresh_from_db()
        assert (run.state, run.movements, run.found) == ("done", 3, 0)

    def test_a_run_that_was_given_up_goes_on_when_its_letter_is_redriven(self, books, drain):
        books.fares(3)
        run = runs.open_run_on_demand(actor=SOMEBODY)
        books.provider.dials(down="503", operations=["list"])
        drain(include_delayed=True)
        run.refresh_from_db()
        assert (run.state, run.movements) == ("failed", 0)
        books.provider.reset()
        with enter_public():
            letters = DeadLetter.objects.filter(handler="reconciliation.fetch_page")
            letters.update(last_died_at=datetime.now(UTC) - timedelta(minutes=16))
            watch_open_payments()
        drain()
        run.refresh_from_db()
        assert (run.state, run.movements) == ("done", 3)

    @pytest.mark.parametrize(
        "row",
        [
            {"amount": 1.5},
            {"amount": -1},
            {"amount": True},
            {"id": ""},
            {"id": "x" * 101},
            {"created": "yesterday"},
            {"created": "2026-11-21T00:00:00"},
            {"object": "gift"},
            {"currency": None},
            {"reference": "a\nb"},
        ],
        ids=str,
    )
    def test_what_cannot_be_read_is_not_passed_over(self, row):
        fine = {
            "id": "ch_1", "object": "charge", "status": "succeeded", "amount": 5, "currency": "USD",
            "reference": "r", "idempotency_key": "k", "created": "2026-11-21T00:00:00Z",
        }  # fmt: skip
        assert records._row(fine).amount_minor == 5
        with pytest.raises(records.UnableToRead):
            records._row({**fine, **row})


def test_a_killed_worker_costs_its_page_and_nothing_else(
    committed, payment_simulator, provider, in_tenant, drain, monkeypatch
):
    """A child process dies by SIGKILL in the middle of the second page; another goes on there."""
    monkeypatch.setattr(records, "PAGE", 1)
    fares = [Fare() for _ in range(3)]
    drain()
    assert {fare.state for fare in fares} == {"captured"}
    run = runs.open_run_on_demand(actor=SOMEBODY)
    pid = os.fork()
    if pid == 0:
        try:
            connection.connect()
            settle = runs.settle_page

            def settle_then_die(**given):
                settle(**given)
                if given["step"] == 1:
                    os.kill(os.getpid(), signal.SIGKILL)

            monkeypatch.setattr(runs, "settle_page", settle_then_die)
            drain()
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    connection.close()
    run.refresh_from_db()
    assert (run.state, run.step, run.movements) == ("fetching", 1, 1)
    with enter_public():
        Delivery.objects.filter(handler="reconciliation.fetch_page").update(
            lease_until=datetime(2026, 1, 1, tzinfo=UTC)
        )
    _drain_abandoned()
    run.refresh_from_db()
    assert (run.state, run.movements, run.found) == ("done", 3, 0)
    assert Movement.objects.count() == 3


def _drain_abandoned() -> None:
    with enter_public():
        [row] = Delivery.objects.filter(handler="reconciliation.fetch_page").values_list("id", "tenant_id")
    deliver(row[0], tenant_id=row[1])
    drain_deliveries()


class TestStatement:
    def test_balances_to_zero_against_the_provider(self, books, drain, tenant_tier):
        tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=10**6)
        first, *_ = books.fares(3)
        first.refund(Money(400, "USD"))
        owed, paid_later = Fare(), Fare()
        for fare in (owed, paid_later):
            fare.capture.die()
        Delivery.objects.filter(handler__startswith="payments.capture").delete()
        services_capture(books, paid_later)
        drain()
        run = books.close_the_day()
        [statement] = Statement.objects.all()
        assert (statement.run_id, statement.currency, statement.opening_minor) == (run.id, "USD", 0)
        assert statement.captured_minor == 3 * FARE.minor
        assert statement.credit_given_minor == 2 * FARE.minor
        assert statement.credit_captured_minor == statement.credit_paid_minor == FARE.minor
        assert statement.refunded_minor == 400
        assert statement.closing_minor == statement.provider_closing_minor == 4 * FARE.minor - 400
        assert statement.credit_closing_minor == FARE.minor
        assert (statement.in_transit_minor, statement.open_minor, statement.unexplained_minor) == (0, 0, 0)

    def test_says_what_is_open(self, books):
        books.fares()
        books.charge_behind_our_back(amount=77)
        books.close_the_day()
        [statement] = Statement.objects.all()
        assert (statement.open_minor, statement.unexplained_minor) == (-77, 0)
        assert statement.provider_closing_minor - statement.closing_minor == 77
        assert Item.objects.get().state == "open"

    def test_its_hash_is_in_the_journal(self, books):
        books.fares()
        books.close_the_day()
        statement = Statement.objects.get()
        told = Message.objects.get(topic="payments.statement_closed").payload
        assert told["sha256"] == statement.sha256 == hashlib.sha256(canonical(statement)).hexdigest()

    def test_stays_as_it_was_written(self, books):
        books.fares()
        books.close_the_day()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for verb in ("UPDATE {} SET closing_minor = 0", "DELETE FROM {}", "TRUNCATE {}"):
            with (
                pytest.raises(DatabaseError, match="stays as it was"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(verb.format("reconciliation_statement"))


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1", "-1", "@x", "\t=1", "\uff1d1"], ids=ascii)
def test_as_csv_holds_no_formula(name):
    statement = Statement(day=TOMORROW.date(), currency="USD", **dict.fromkeys(FIGURES, -5))
    header, line, _ = as_csv([statement], company=name).split("\r\n")
    assert header.startswith("company,day,currency,opening_minor")
    assert line.lstrip('"').startswith("'")
    assert ",USD,-5," in line


def services_capture(books, fare: Fare) -> None:
    """The provider takes what is owed, and we hear of it."""
    intent = services.begin_capture(charge_id=Charge.objects.get(booking_id=fare.booking_id).id)
    fare.capture.settle(intent, fare.capture.gateway.call(intent))


class TestWatching:
    def test_what_nobody_is_at_any_more_is_asked_again(self, books, drain, tenant_tier):
        """Every message about it is lost; the money is taken all the same."""
        tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=10**6)
        fare = Fare()
        fare.capture.die()
        Delivery.objects.all().delete()
        watch_open_payments()
        assert Run.objects.filter(kind=RunKind.OPEN).count() == 0, "it is too fresh"
        Charge.objects.update(settled_at=datetime.now(UTC) - timedelta(minutes=11))
        watch_open_payments()
        watch_open_payments()
        run = Run.objects.get(kind=RunKind.OPEN)
        assert (run.found, run.state) == (1, "done")
        drain()
        assert fare.totals == (FARE.minor, FARE.minor, 0, 0)
        assert balances(currency="USD")[Account.STORE_CREDIT] == 0

    def test_what_somebody_is_at_is_left_alone(self, books, tenant_tier):
        tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=10**6)
        Fare().capture.die()
        Charge.objects.update(settled_at=datetime.now(UTC) - timedelta(minutes=11))
        watch_open_payments()
        assert not Run.objects.exists()

    def test_the_schedule_begins_days_of_every_tenant_that_are_due(self, books):
        reconcile_days()
        assert not Run.objects.exists(), "today has not ended"
