"""Stripe's record of a period, page by page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from messaging.errors import Retry
from payments.reconciliation import stripe_record
from payments.reconciliation.models import MovementKind
from payments.reconciliation.reading import UnableToRead
from payments.reconciliation.stripe_record import StripeRecord
from tests.payments.providers.conformance.conftest import simulators, stage  # noqa: F401  # fixtures

pytestmark = pytest.mark.parametrize("stage", ["stripe"], indirect=True)
START, END = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=2)


def everything(stage):  # noqa: F811
    rows, cursor = [], ""
    while True:
        page = StripeRecord(stage.access).page(start=START, end=END, cursor=cursor)
        rows += page.rows
        cursor = page.next_cursor
        if not cursor:
            return rows


def test_charges_and_refunds_over_pages(stage, monkeypatch):  # noqa: F811
    monkeypatch.setattr(stripe_record, "_PAGE", 2)
    orders = [stage.captured()[0] for _ in range(3)]
    declined, _ = stage.captured(source=stage.words.declined)
    ref = stage.remembered[orders[0].idempotency_key]
    refund = stage.refund_order(ref, 400)
    stage.refunded(refund)
    rows = everything(stage)
    charges = {row.key: row for row in rows if row.kind is MovementKind.CHARGE}
    assert set(charges) == {order.idempotency_key for order in (*orders, declined)}
    first = charges[orders[0].idempotency_key]
    assert (first.provider_ref, first.amount_minor, first.currency, first.succeeded) == (ref, 1250, "USD", True)
    assert first.reference == orders[0].reference
    assert not charges[declined.idempotency_key].succeeded
    [back] = [row for row in rows if row.kind is MovementKind.REFUND]
    assert (back.charge_ref, back.amount_minor, back.key, back.succeeded) == (ref, 400, refund.idempotency_key, True)


def test_another_period_is_empty(stage):  # noqa: F811
    stage.captured()
    page = StripeRecord(stage.access).page(start=START, end=START + timedelta(minutes=1), cursor="")
    assert (page.rows, page.next_cursor) == ((), "refunds:")


def test_what_cannot_be_read(stage):  # noqa: F811
    body = {"outcomes": ["error_before"], "account": stage.account, "operation": "list_charges"}
    stage.simulator.call("POST", "/dials/next", body)
    with pytest.raises(Retry):
        everything(stage)
    stage.access = replace(stage.access, api_key="sk_test_wrong")
    with pytest.raises(UnableToRead):
        everything(stage)
