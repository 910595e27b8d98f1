"""What handling news of tenants and users would add now."""

from django.db.models import QuerySet

from messaging.messages import Envelope
from messaging.prospects import nothing_due, would
from messaging.topology import Prospect
from tenants.accounts.models import BillingAccount, BillingMember, TenantSettings, UserSettings
from tenants.identity.events import UserProvisioned
from tenants.onboarding.events import TenantProvisioned


def of_billing_account(message: Envelope[TenantProvisioned]) -> Prospect:
    """Of `accounts.open_billing_account`."""
    return _of(BillingAccount.objects.filter(tenant_id=message.body.tenant_id), "The billing account")


def of_tenant_settings(message: Envelope[TenantProvisioned]) -> Prospect:
    """Of `accounts.write_tenant_settings`."""
    return _of(TenantSettings.objects.filter(tenant_id=message.body.tenant_id), "The company's settings")


def of_billing_member(message: Envelope[UserProvisioned]) -> Prospect:
    """Of `accounts.add_billing_member`."""
    return _of(BillingMember.objects.filter(user_id=message.body.user_id), "The user's place in billing")


def of_user_settings(message: Envelope[UserProvisioned]) -> Prospect:
    """Of `accounts.write_user_settings`."""
    return _of(UserSettings.objects.filter(user_id=message.body.user_id), "The user's settings")


def _of(rows: QuerySet[BillingAccount | BillingMember | TenantSettings | UserSettings], what: str) -> Prospect:
    return nothing_due(f"{what}: there already.") if rows.exists() else would(f"{what}: would be made.")
