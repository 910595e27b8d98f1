"""A tenant whose provider answers later, and its notifications on their way from the provider to our address."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from audit.services import Actor
from payments.accounts.directory import access_in_use
from payments.accounts.models import Account
from payments.accounts.services import AccountSettings, open_account
from payments.providers.base import Access
from tests.payments.postbox import Letter, Postbox, postbox

SECRET = "whsec_of_the_tests_0123456789"


@pytest.fixture
def account(provider: Any, in_tenant: Any, drain: Any) -> Account:
    """An account of the kind that answers later; its charges are decided at once."""
    wanted = AccountSettings(name=in_tenant.slug, webhook_secret=SECRET)
    provider.dials(settle_ms=0)
    made = open_account(tenant_id=in_tenant.id, provider="simulator_later", wanted=wanted, actor=Actor.command())
    drain()
    made.refresh_from_db()
    assert made.subscribed_at
    return made


@pytest.fixture
def access(account: Account, in_tenant: Any) -> Access:
    return access_in_use(in_tenant)


@pytest.fixture
def box(account: Account, provider: Any) -> Iterator[Postbox]:
    """Where the simulator notifies in these tests."""
    with postbox() as box:
        answer = provider.simulator.call(
            "PUT", "/v1/webhook", {"url": box.url, "secret": SECRET}, Authorization=f"Bearer sk_sim_{provider.account}"
        )
        assert answer.status == 200
        yield box


@pytest.fixture
def post(account: Account) -> Callable[..., Any]:
    """Hand a letter on to our address, as the provider would."""

    def hand_on(letter: Letter, *, path: str = "") -> Any:
        headers = {"host": "localhost", **letter.headers}
        target = path or f"/api/webhooks/payments/simulator_later/{account.id}"
        return Client().post(target, letter.body, content_type="application/json", headers=headers)

    return hand_on
