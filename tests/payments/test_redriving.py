"""Redriving payments' dead letters: whatever else is at it at the same moment, money moves once."""

import threading

import pytest
from django.db import connection, transaction

from audit.services import Actor
from messaging.consuming import deliver
from messaging.deadletters.services import redrive
from messaging.models import DeadLetter, Delivery
from messaging.services import send
from payments.events import CaptureCredit
from payments.models import Charge
from tenants.registry.context import enter_public, enter_tenant
from tests.payments.conftest import FARE, Fare
from tests.payments.test_handlers import AND_BACK, BACK, ONE_CHARGE, OWED, PAID, _pass_deadline

ADA = Actor.system("ada")


def owed_fare(provider, drain, tenant_tier):
    """A ride on store credit, whose capture in the background was given up too."""
    tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=FARE.minor)
    fare = Fare()
    _pass_deadline(fare)
    provider.dials(down="drop")
    drain()
    credit = Delivery.objects.get(handler="payments.capture_credit")
    Delivery.objects.filter(id=credit.id).update(attempts=999, not_before=credit.created_at)
    deliver(credit.id)
    assert fare.totals == OWED
    provider.reset()
    return fare, DeadLetter.objects.get(handler="payments.capture_credit")


def state_of(letter):
    letter.refresh_from_db()
    return letter.state


def test_a_ride_on_store_credit_still_has_its_capture_due(provider, drain, tenant_tier):
    fare, letter = owed_fare(provider, drain, tenant_tier)
    redrive([letter.id], actor=ADA)
    drain()
    assert (state_of(letter), fare.totals) == ("redriven", PAID)
    assert provider.movements(fare.booking_id) == ONE_CHARGE


def test_one_that_was_taken_meanwhile_is_obsolete(provider, drain, tenant_tier):
    fare, letter = owed_fare(provider, drain, tenant_tier)
    with transaction.atomic():
        send(CaptureCredit(charge_id=Charge.objects.get(booking_id=fare.booking_id).id))
    drain()
    assert fare.totals == PAID
    result = redrive([letter.id], actor=ADA)
    assert (result.sent, set(result.obsolete)) == ({}, {letter.id})
    assert (state_of(letter), provider.movements(fare.booking_id)) == ("obsolete", ONE_CHARGE)


def test_a_refund_that_was_given_up_is_made_by_its_redrive(provider, drain):
    fare = Fare()
    drain()
    fare.refund()
    refund = Delivery.objects.get(handler="payments.refund")
    Delivery.objects.filter(id=refund.id).update(attempts=1_000)
    deliver(refund.id)
    letter = DeadLetter.objects.get(handler="payments.refund")
    redrive([letter.id], actor=ADA)
    drain()
    assert (state_of(letter), fare.totals) == ("redriven", BACK)
    assert provider.movements(fare.booking_id) == AND_BACK


@pytest.mark.parametrize("round_", range(3))
def test_a_redrive_that_races_a_reconciliation_takes_the_money_once(
    committed, provider, drain, tenant_tier, tenant, round_
):
    fare, letter = owed_fare(provider, drain, tenant_tier)
    charge_id = Charge.objects.get(booking_id=fare.booking_id).id
    barrier, failed = threading.Barrier(3), []

    def at_once(act):
        try:
            with enter_public():
                connection.ensure_connection()
                barrier.wait()
                act()
        except Exception as error:  # noqa: BLE001  # shown by the assertion
            failed.append(error)
        finally:
            connection.close()

    def by_hand():
        deliver(redrive([letter.id], actor=ADA).sent[letter.id])

    def by_reconciliation():
        with enter_tenant(tenant), transaction.atomic():
            message_id = send(CaptureCredit(charge_id=charge_id))
        deliver(Delivery.objects.get(message_id=message_id).id)

    threads = [threading.Thread(target=at_once, args=(act,)) for act in (by_hand, by_reconciliation, by_reconciliation)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain(include_delayed=True)
    assert [error for error in failed if not isinstance(error, KeyError)] == []  # KeyError: found obsolete, not sent
    assert fare.totals == PAID
    assert provider.movements(fare.booking_id) == ONE_CHARGE
    assert state_of(letter) in ("redriven", "obsolete")
