"""Whatever happens in whatever order, books, totals and provider agree: `make money-properties STEPS=100000`."""

import os
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.payments.ledger.books import STEPS_TAKEN, Books

STEPS = int(os.environ.get("MONEY_STEPS", "300"))
_STEPS_AT_ONCE = 50


@pytest.mark.parametrize("outcome", ["fail", "store_credit"])
def test_books_totals_and_provider_agree(in_tenant, tenant_tier, outcome):
    tenant_tier(payment_failure_outcome=outcome, store_credit_limit_minor=20_000_000)
    STEPS_TAKEN[0], began = 0, time.monotonic()
    while STEPS_TAKEN[0] < STEPS // 2:
        run_state_machine_as_test(
            Books,
            settings=settings(
                max_examples=max(2, min(200, (STEPS // 2 - STEPS_TAKEN[0]) // _STEPS_AT_ONCE + 1)),
                stateful_step_count=_STEPS_AT_ONCE,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    print(f"\n{outcome}: {STEPS_TAKEN[0]} steps in {time.monotonic() - began:.0f} s; the books balance")  # noqa: T201  # `make money-properties` shows it
