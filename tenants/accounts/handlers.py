"""Reactions to new tenants and users: two consumers each, neither of which knows the other."""

from messaging.messages import Envelope
from tenants.accounts import services
from tenants.identity.events import UserProvisioned
from tenants.onboarding.events import TenantProvisioned


def open_billing_account(message: Envelope[TenantProvisioned]) -> None:
    """Billing: the company's account."""
    body = message.body
    services.open_billing_account(tenant_id=body.tenant_id, company=body.name, tier=body.tier, currency=body.currency)


def write_tenant_settings(message: Envelope[TenantProvisioned]) -> None:
    """Settings: the company's defaults."""
    services.write_tenant_settings(tenant_id=message.body.tenant_id, currency=message.body.currency)


def add_billing_member(message: Envelope[UserProvisioned]) -> None:
    """Billing: one more person whose rides are paid."""
    services.add_billing_member(user_id=message.body.user_id)


def write_user_settings(message: Envelope[UserProvisioned]) -> None:
    """Settings: the person's defaults."""
    services.write_user_settings(user_id=message.body.user_id)
