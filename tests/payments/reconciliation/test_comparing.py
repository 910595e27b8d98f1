"""Each kind of difference: found once, with both sides, proposed or repaired; and what agrees is left alone."""

import pytest
from django.db import transaction

from audit.models import Entry as AuditEntry
from messaging.models import Delivery
from payments import services
from payments.agreement import disagreements
from payments.domain import Standing
from payments.ledger.domain import Account
from payments.ledger.selectors import balances
from payments.models import Charge, Refund, Totals
from payments.providers.base import ProviderAnswer
from payments.reconciliation import repairs
from payments.reconciliation.models import Item, Run
from tests.payments.conftest import FARE, Fare
from tests.payments.reconciliation.conftest import SOMEBODY
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.money import Money


def held_there(books) -> int:
    """What the provider holds, by its own totals."""
    ledger = books.provider.simulator.call("GET", f"/v1/ledger?account={books.provider.account}").json()
    return sum(total["net"] for total in ledger["totals"])


def held_here() -> int:
    return balances(currency="USD")[Account.PROVIDER]


def charge_of(fare: Fare) -> Charge:
    return Charge.objects.get(booking_id=fare.booking_id)


def test_what_agrees_is_no_difference(books, drain):
    first, *_ = books.fares(3)
    first.refund(Money(400, "USD"))
    drain()
    run = books.compare()
    assert (run.movements, run.found) == (4, 0)
    assert held_here() == held_there(books) == 3 * FARE.minor - 400


def test_a_fare_that_is_being_taken_is_no_difference(books):
    fare = Fare()
    fare.capture.ask(fare.capture.prepare())
    Delivery.objects.filter(handler="payments.capture").delete()
    run = books.compare()
    assert (run.movements, run.found, fare.state) == (1, 0, "calling")


class TestRepairedByItself:
    def test_a_charge_whose_answer_never_came(self, books, found, tenant_tier):
        """Given up, and in doubt: what was taken goes back, as it would when the look-up came to it."""
        fare = Fare()
        fare.capture.ask(fare.capture.prepare())
        fare.capture.die()
        assert fare.state == "in_doubt"
        run = books.compare()
        assert (run.found, run.repaired, found()["unsettled"].state) == (1, 1, "repaired")
        assert fare.totals == (0, FARE.minor, 0, FARE.minor)
        assert held_here() == held_there(books) == 0

    def test_store_credit_that_was_captured_without_our_hearing_of_it(self, books, found, tenant_tier):
        tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=10**6)
        fare = Fare()
        fare.capture.ask(fare.capture.prepare())
        fare.capture.die()
        assert fare.totals == (FARE.minor, 0, FARE.minor, 0)
        books.compare()
        assert fare.totals == (FARE.minor, FARE.minor, 0, 0)

    def test_a_refund_whose_answer_never_came(self, books, found):
        [fare] = books.fares()
        with transaction.atomic():
            services.request_refund(booking_id=fare.booking_id, amount=FARE, reason="cancelled")
        refund = charge_of(fare).refund
        body = {"amount": FARE.minor, "reference": str(fare.booking_id)}
        path = f"/v1/charges/{charge_of(fare).provider_ref}/refunds"
        books.at_the_provider("POST", path, body, key=refund.idempotency_key)
        Refund.objects.filter(id=refund.id).update(state="failed")
        Delivery.objects.filter(handler="payments.refund").delete()
        books.compare()
        assert found()["refund_unsettled"].state == "repaired"
        assert fare.totals == (0, FARE.minor, 0, FARE.minor)

    def test_a_second_charge_under_our_own_key_goes_back(self, books, found):
        """The provider forgot the key and took the fare twice; ours says which one was the fare."""
        [fare] = books.fares()
        second = books.charge_behind_our_back(reference=str(fare.booking_id))
        Charge.objects.filter(booking_id=fare.booking_id).update(idempotency_key="forgotten")
        [row] = [r for r in books.record() if r["id"] == second]
        Charge.objects.filter(booking_id=fare.booking_id).update(idempotency_key=row["idempotency_key"])
        books.compare()
        assert (found()["duplicate"].state, found()["duplicate"].is_safe) == ("repaired", True)
        assert held_here() == held_there(books) == FARE.minor
        assert balances(currency="USD")[Account.DISCREPANCIES] == 0


class TestWaitsForAPerson:
    def test_a_charge_that_nobody_here_knows(self, books, found, drain):
        stray = books.charge_behind_our_back()
        books.compare()
        item = found()["missing_here"]
        assert (item.state, item.proposal, item.difference_minor) == ("open", "refund", -FARE.minor)
        assert (item.ours, item.theirs["id"]) == ({}, stray)

        repairs.repair(item.id, actor=SOMEBODY)
        with pytest.raises(repairs.ItemNotOpen):
            repairs.repair(item.id, actor=SOMEBODY)
        drain()
        assert found()["missing_here"].state == "repaired"
        assert held_here() == held_there(books) == 0
        assert books.compare().found == 0
        assert AuditEntry.objects.filter(action="reconciliation.repaired", subject_id=str(item.id)).count() == 1

    def test_a_charge_that_the_provider_does_not_know(self, books, found):
        fare = Fare()
        with transaction.atomic():
            answer = ProviderAnswer(standing=Standing.SUCCEEDED, ref="ch_imagined")
            services.settle_capture(charge_id=charge_of(fare).id, answer=answer)
        books.compare()
        item = found()["missing_there"]
        assert (item.difference_minor, item.ours["provider's id"], item.theirs) == (FARE.minor, "ch_imagined", {})

        repairs.repair(item.id, actor=SOMEBODY)
        assert held_here() == held_there(books) == 0
        assert balances(currency="USD")[Account.DISCREPANCIES] == FARE.minor
        assert (books.compare().found, disagreements()) == (0, [])

    def test_another_amount(self, books, found):
        fare = Fare()
        other = books.charge_behind_our_back(reference=str(fare.booking_id), amount=FARE.minor + 7)
        with transaction.atomic():
            answer = ProviderAnswer(standing=Standing.SUCCEEDED, ref=other)
            services.settle_capture(charge_id=charge_of(fare).id, answer=answer)
        books.compare()
        item = found()["amount"]
        assert (item.difference_minor, item.proposal) == (-7, "accept")
        repairs.repair(item.id, actor=SOMEBODY)
        assert held_here() == held_there(books)
        assert books.compare().found == 0

    def test_a_refund_that_nobody_here_asked_for(self, books, found):
        [fare] = books.fares()
        path = f"/v1/charges/{charge_of(fare).provider_ref}/refunds"
        books.at_the_provider("POST", path, {"amount": 50, "reference": "by hand"})
        books.compare()
        item = found()["refund_missing_here"]
        assert (item.difference_minor, item.theirs["of charge"]) == (50, charge_of(fare).provider_ref)
        repairs.repair(item.id, actor=SOMEBODY)
        assert held_here() == held_there(books) == FARE.minor - 50

    def test_a_refund_that_the_provider_does_not_know(self, books, found):
        [fare] = books.fares()
        with transaction.atomic():
            services.request_refund(booking_id=fare.booking_id, amount=FARE, reason="cancelled")
            answer = ProviderAnswer(standing=Standing.SUCCEEDED, ref="re_imagined")
            services.settle_refund(refund_id=charge_of(fare).refund.id, answer=answer)
        books.compare()
        assert found()["refund_missing_there"].difference_minor == -FARE.minor

    def test_books_that_are_not_the_totals(self, books, found):
        fare = Fare()
        Totals.objects.filter(booking_id=fare.booking_id).update(due_minor=5, captured_minor=5)
        books.compare()
        repairs.repair(found()["books"].id, actor=SOMEBODY)
        assert disagreements() == []


class TestItems:
    def test_found_again_it_is_the_same_and_what_came_late_vanishes(self, books, found):
        fare = Fare()
        with transaction.atomic():
            answer = ProviderAnswer(standing=Standing.SUCCEEDED, ref="ch_late")
            services.settle_capture(charge_id=charge_of(fare).id, answer=answer)
        books.compare()
        books.compare()
        assert Item.objects.count() == 1
        real = books.charge_behind_our_back(reference=str(fare.booking_id))
        Charge.objects.filter(provider_ref="ch_late").update(provider_ref=real)
        Item.objects.update(subject=real)
        books.compare()
        assert found()["missing_there"].state == "vanished"

    def test_closed_with_a_reason_it_stays_closed(self, books, found):
        books.charge_behind_our_back()
        books.compare()
        item = found()["missing_here"]
        with pytest.raises(InvalidInput):
            repairs.close(item.id, reason=" ", actor=SOMEBODY)
        repairs.close(item.id, reason="The shop's own till, see ticket 5", actor=SOMEBODY)
        assert books.compare().found == 0
        assert found()["missing_here"].state == "closed"

    def test_a_refund_that_the_provider_refuses_is_a_persons_again(self, books, found, drain):
        stray = books.charge_behind_our_back()
        books.compare()
        books.at_the_provider("POST", f"/v1/charges/{stray}/refunds", {"amount": 1, "reference": "x"})
        repairs.repair(found()["missing_here"].id, actor=SOMEBODY)
        drain()
        item = found()["missing_here"]
        assert (item.state, item.is_safe) == ("open", False)
        assert item.note.startswith("The refund was given up")

    def test_runs_say_what_they_found(self, books):
        books.charge_behind_our_back()
        run = books.compare()
        assert (run.asked_by, run.found, run.repaired, run.movements) == ("somebody", 1, 0, 1)
        assert Run.objects.count() == 1
