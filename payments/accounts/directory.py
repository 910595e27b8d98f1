"""How a tenant's payments reach their provider: reading accounts."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.db.models.functions import Now

from payments.accounts.models import Account, AccountState
from payments.providers import DEFAULT, adapter_of
from payments.providers.base import Access
from tenants.registry.directory import TenantRef, tenant_by_id
from wildrydes.kernel.encryption import unseal
from wildrydes.kernel.errors import NotFound


def access_in_use(tenant: TenantRef) -> Access:
    """The account that the tenant's new charges go through; where none was set up, one at the simulator by its short name."""
    account = _accounts().filter(tenant_id=tenant.id, state=AccountState.ACTIVE).first()
    return _built_in(tenant) if account is None else _access(account, tenant)


def access_of(tenant: TenantRef, account_id: UUID | None) -> Access:
    """The account that something was charged through, retired or not.

    Raises:
        NotFound: it is not the tenant's.
    """
    if account_id is None:
        return _built_in(tenant)
    account = _accounts().filter(id=account_id, tenant_id=tenant.id).first()
    if account is None:
        raise NotFound("There is no such payment account.")
    return _access(account, tenant)


def access_notified(provider: str, account_id: UUID) -> tuple[TenantRef, Access]:
    """Whose account a notification's address names.

    Raises:
        NotFound: nobody's at this provider.
    """
    account = _accounts().filter(id=account_id, provider=provider).first()
    tenant = None if account is None else tenant_by_id(account.tenant_id)
    # A suspended company's payments are finished like everything that was accepted.
    if account is None or tenant is None or not tenant.is_working:
        raise NotFound("No payment account is notified at this address.")
    return tenant, _access(account, tenant)


def webhook_url(account: Account | Access) -> str:
    """Where the provider notifies the account."""
    port = "" if settings.PUBLIC_PORT in (80, 443) else f":{settings.PUBLIC_PORT}"
    account_id = account.id if isinstance(account, Account) else account.account_id
    host = f"{settings.PUBLIC_SCHEME}://{settings.PUBLIC_DOMAIN}{port}"
    return f"{host}/api/webhooks/payments/{account.provider}/{account_id}"


def _accounts() -> QuerySet[Any]:
    still_good = Case(
        When(Q(previous_valid_until__gt=Now()), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    return Account.objects.annotate(previous_is_good=still_good)


def _built_in(tenant: TenantRef) -> Access:
    return Access(
        account_id=None,
        tenant_id=tenant.id,
        provider=DEFAULT,
        name=tenant.slug,
        base_url=adapter_of(DEFAULT).default_url(),
        timeout=settings.PAYMENT_PROVIDER_TIMEOUT_SECONDS,
    )


def _access(account: Any, tenant: TenantRef) -> Access:
    sealed = [account.webhook_secret_sealed]
    if account.previous_is_good:
        sealed.append(account.previous_webhook_secret_sealed)
    return Access(
        account_id=account.id,
        tenant_id=account.tenant_id,
        provider=account.provider,
        name=account.name or tenant.slug,
        base_url=account.base_url or adapter_of(account.provider).default_url(),
        timeout=settings.PAYMENT_PROVIDER_TIMEOUT_SECONDS,
        api_key=_unsealed(account.api_key_sealed),
        webhook_secrets=tuple(_unsealed(each) for each in sealed if each),
        company_source=account.company_source,
        customer=account.customer,
    )


def _unsealed(sealed: str) -> str:
    return unseal(sealed, keys=settings.FIELD_ENCRYPTION_KEY) if sealed else ""
