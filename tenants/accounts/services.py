"""Opening accounts and writing first settings. All of it may be repeated: what is there stays as it is."""

from uuid import UUID

from tenants.accounts.domain import default_distance_unit
from tenants.accounts.models import BillingAccount, BillingMember, TenantSettings, UserSettings


def open_billing_account(*, tenant_id: UUID, company: str, tier: str, currency: str) -> None:
    """Give the entered tenant its billing account."""
    BillingAccount.objects.bulk_create(
        [BillingAccount(tenant_id=tenant_id, company=company, tier=tier, currency=currency)], ignore_conflicts=True
    )


def add_billing_member(*, user_id: UUID) -> None:
    """Let the entered tenant pay for this user's rides."""
    BillingMember.objects.bulk_create([BillingMember(user_id=user_id)], ignore_conflicts=True)


def write_tenant_settings(*, tenant_id: UUID, currency: str) -> None:
    """Give the entered tenant its first settings."""
    defaults = TenantSettings(tenant_id=tenant_id, distance_unit=default_distance_unit(currency))
    TenantSettings.objects.bulk_create([defaults], ignore_conflicts=True)


def write_user_settings(*, user_id: UUID) -> None:
    """Give a user of the entered tenant their first settings."""
    UserSettings.objects.bulk_create([UserSettings(user_id=user_id)], ignore_conflicts=True)
