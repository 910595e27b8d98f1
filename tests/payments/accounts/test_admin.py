"""Payment accounts in the console: keys go in and never come out."""

import logging
from typing import Any

import pytest

from audit.models import Entry
from console.roles import OPERATOR, SUPPORT
from messaging.journal.models import Message
from payments.accounts.directory import access_in_use, access_of
from payments.accounts.models import Account, AccountState
from tenants.registry.context import enter_tenant
from tests.console.conftest import browser
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound

KEY, SECRET = "sk_live_never_shown_51Q", "whsec_never_shown_0123456789"
ADD = "/admin/payment_accounts/account/add/"


@pytest.fixture(autouse=True)
def outbound() -> None:
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))


def fields(**changes: str) -> dict[str, str]:
    usual = {
        "name": "Acme", "base_url": "http://127.0.0.1:9104", "company_source": "pm_card_visa", "customer": "",
        "api_key": KEY, "webhook_secret": SECRET,
    }  # fmt: skip
    return usual | changes


def opened(tenant: Any, **changes: str) -> Any:
    return browser(role=OPERATOR).post(ADD, fields(tenant=str(tenant.id), provider="stripe", **changes), follow=True)


def page_of(account: Account) -> str:
    return f"/admin/payment_accounts/account/{account.pk}/change/"


def test_an_operator_connects_stripe(tenant, caplog):
    caplog.set_level(logging.DEBUG)
    answer = opened(tenant)
    assert answer.status_code == 200
    account = Account.objects.get(tenant_id=tenant.id)
    page = browser(role=OPERATOR).get(page_of(account)).content.decode()
    everything = [
        answer.content.decode(),
        page,
        caplog.text,
        str(list(Entry.objects.values())),
        repr(access_in_use(tenant)),
    ]
    assert not any(word in text for word in (KEY, SECRET) for text in everything), "it is shown somewhere"
    assert f"http://localhost/api/webhooks/payments/stripe/{account.id}" in page or f"stripe/{account.id}" in page
    entry = Entry.objects.get(action="payment_account.opened")
    assert (entry.subject_id, entry.tenant_id, entry.details) == (str(account.id), tenant.id, {"provider": "stripe"})
    access = access_in_use(tenant)
    assert (access.api_key, access.webhook_secrets) == (KEY, (SECRET,))
    assert KEY not in account.api_key_sealed


def test_what_is_left_empty_stays(tenant):
    opened(tenant)
    account = Account.objects.get(tenant_id=tenant.id)
    changed = fields(api_key="", webhook_secret="", customer="cus_1")
    assert browser(role=OPERATOR).post(page_of(account), changed).status_code == 302
    access = access_of(tenant, account.id)
    assert (access.api_key, access.webhook_secrets, access.customer) == (KEY, (SECRET,), "cus_1")
    assert Entry.objects.get(action="payment_account.changed").details == {"customer": True}


def test_a_webhook_secret_is_rotated_without_losing_a_notification(tenant):
    opened(tenant)
    account = Account.objects.get(tenant_id=tenant.id)
    browser(role=OPERATOR).post(page_of(account), fields(api_key="", webhook_secret="whsec_the_next_one_0123"))
    assert access_of(tenant, account.id).webhook_secrets == ("whsec_the_next_one_0123", SECRET)
    Account.objects.update(previous_valid_until="2020-01-01T00:00Z")
    assert access_of(tenant, account.id).webhook_secrets == ("whsec_the_next_one_0123",)
    assert Entry.objects.get(action="payment_account.changed").details == {"webhook_secret": True}


def test_a_new_account_takes_the_place_of_the_old_one(tenant):
    opened(tenant)
    opened(tenant, api_key="sk_live_other")
    states = Account.objects.filter(tenant_id=tenant.id).order_by("created_at").values_list("state", flat=True)
    assert sorted(states) == [AccountState.ACTIVE, AccountState.RETIRED]
    assert access_in_use(tenant).api_key == "sk_live_other"


def test_retired(tenant):
    opened(tenant)
    account = Account.objects.get(tenant_id=tenant.id)
    path = f"/admin/payment_accounts/account/{account.pk}/retire/"
    staff = browser(role=OPERATOR)
    assert staff.get(path).status_code == 200
    assert Account.objects.get().state == AccountState.ACTIVE
    assert staff.post(path).status_code == 302
    assert (Account.objects.get().state, access_in_use(tenant).account_id) == (AccountState.RETIRED, None)
    assert Entry.objects.filter(action="payment_account.retired").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"api_key": ""}, "needs a secret key"),
        ({"base_url": "http://169.254.169.254/"}, "169.254"),
        ({"base_url": "javascript:alert(1)"}, "http"),
        ({"company_source": "4242 4242 4242 4242"}, "card"),
    ],
    ids=["key", "metadata", "scheme", "card"],
)
def test_what_cannot_be(tenant, changes, told):
    answer = opened(tenant, **changes)
    assert told in answer.content.decode()
    assert "4242 4242" not in answer.content.decode()
    assert not Account.objects.exists()


def test_support_staff_look_and_do_not_touch(tenant):
    opened(tenant)
    account = Account.objects.get()
    support = browser(role=SUPPORT)
    page = support.get(page_of(account))
    assert page.status_code == 200
    assert "api_key" not in page.content.decode()
    assert support.post(page_of(account), fields()).status_code == 403
    assert support.post(ADD, fields(tenant=str(tenant.id), provider="stripe")).status_code == 403


def test_a_provider_with_an_api_for_it_is_told_where_to_notify(tenant):
    opened(tenant, provider_code="", api_key="")
    wanted = fields(tenant=str(tenant.id), provider="simulator_later", api_key="", webhook_secret="")
    browser(role=OPERATOR).post(ADD, wanted)
    account = Account.objects.get(provider="simulator_later")
    with enter_tenant(tenant):
        assert Message.objects.get(topic="payments.subscribe").payload == {"account_id": str(account.id)}
    assert access_in_use(tenant).webhook_secrets[0].startswith("whsec_")
