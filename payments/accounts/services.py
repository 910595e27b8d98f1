"""Setting up tenants' payment accounts. Every act is in the audit trail; no key or secret is, nor in any answer or log."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from audit.services import Actor, record
from messaging.services import send
from payments.accounts.events import SubscribeToProvider
from payments.accounts.models import Account, AccountState
from payments.domain import refuse_card_number
from payments.providers import adapter_of
from tenants.registry.context import enter_tenant
from tenants.registry.directory import tenant_by_id
from wildrydes.kernel.encryption import seal
from wildrydes.kernel.errors import Conflict, InvalidInput, NotFound
from wildrydes.kernel.http import OutboundRefused, check_url

SECRET_OVERLAP = timedelta(days=1)
"""How long the previous webhook secret is good beside a new one."""


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """What an operator says of an account; of keys and secrets, an empty one means: as it is."""

    name: str = ""
    base_url: str = ""
    company_source: str = ""
    customer: str = ""
    api_key: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)


def open_account(*, tenant_id: UUID, provider: str, wanted: AccountSettings, actor: Actor) -> Account:
    """Let a tenant's new charges go through another account; the one in use before is retired.

    What was charged before is looked up and refunded where it was charged. Where the provider's API allows it, it is told where
    to notify us, in the background.

    Raises:
        InvalidInput: there is no such provider, its key is missing, or an address may not be called.
        NotFound: there is no such tenant.
    """
    adapter, tenant = adapter_of(provider), tenant_by_id(tenant_id)
    if tenant is None:
        raise NotFound("There is no such company.")
    if adapter.needs_key and not wanted.api_key:
        raise InvalidInput.at("/api_key", f"{adapter.title} needs a secret key.")
    if not (wanted.base_url or adapter.default_url()):
        raise InvalidInput.at("/base_url", "Say where the provider's API answers.")
    checked = _checked(wanted)
    secret = wanted.webhook_secret or (f"whsec_{secrets.token_urlsafe(32)}" if adapter.subscribe else "")
    with transaction.atomic():
        Account.objects.filter(tenant_id=tenant_id, state=AccountState.ACTIVE).update(state=AccountState.RETIRED)
        account: Account = Account.objects.create(
            tenant_id=tenant_id,
            provider=adapter.code,
            api_key_sealed=_sealed(wanted.api_key),
            webhook_secret_sealed=_sealed(secret),
            **checked,
        )
        _note(account, "payment_account.opened", actor, {"provider": adapter.code})
        if adapter.subscribe is not None:
            with enter_tenant(tenant):
                send(SubscribeToProvider(account_id=account.id))
    return account


def change_account(*, account_id: UUID, wanted: AccountSettings, actor: Actor) -> Account:
    """Change an account's address, tokens, key or secret. The old webhook secret stays good for a day.

    Raises:
        InvalidInput: an address may not be called, or a text looks like a card's number.
        NotFound: there is no such account.
    """
    checked = _checked(wanted)
    with transaction.atomic():
        account = _locked(account_id)
        changed = {name: True for name, value in checked.items() if getattr(account, name) != value}
        for name, value in checked.items():
            setattr(account, name, value)
        if wanted.api_key:
            account.api_key_sealed = _sealed(wanted.api_key)
            changed["api_key"] = True
        if wanted.webhook_secret:
            account.previous_webhook_secret_sealed = account.webhook_secret_sealed
            account.previous_valid_until = Now() + SECRET_OVERLAP
            account.webhook_secret_sealed = _sealed(wanted.webhook_secret)
            changed["webhook_secret"] = True
        account.save()
        _note(account, "payment_account.changed", actor, changed)
    account.refresh_from_db()
    return account


def retire_account(*, account_id: UUID, actor: Actor) -> None:
    """Send no new charge through an account; the tenant goes back to the built-in one.

    Raises:
        NotFound: there is no such account.
        Conflict: it is retired already.
    """
    with transaction.atomic():
        account = _locked(account_id)
        if account.state != AccountState.ACTIVE:
            raise Conflict("The account is retired already.")
        account.state = AccountState.RETIRED
        account.save(update_fields=["state"])
        _note(account, "payment_account.retired", actor, {})


def note_subscribed(*, account_id: UUID) -> None:
    """The provider knows where to notify the account."""
    Account.objects.filter(id=account_id).update(subscribed_at=Now())


def note_not_subscribed(*, account_id: UUID) -> None:
    """The provider could not be told."""
    Account.objects.filter(id=account_id).update(subscribed_at=None)


def _locked(account_id: UUID) -> Account:
    account: Account | None = Account.objects.select_for_update().filter(id=account_id).first()
    if account is None:
        raise NotFound("There is no such payment account.")
    return account


def _checked(wanted: AccountSettings) -> dict[str, str]:
    if wanted.base_url:
        try:
            check_url(wanted.base_url)
        except OutboundRefused as error:
            raise InvalidInput.at("/base_url", error.detail) from error
    for name in ("name", "company_source", "customer"):
        refuse_card_number(getattr(wanted, name), pointer=f"/{name}")
    return {
        "name": wanted.name,
        "base_url": wanted.base_url,
        "company_source": wanted.company_source,
        "customer": wanted.customer,
    }


def _sealed(secret: str) -> str:
    return seal(secret, keys=settings.FIELD_ENCRYPTION_KEY) if secret else ""


def _note(account: Account, action: str, actor: Actor, details: Mapping[str, str | bool]) -> None:
    record(
        actor=actor,
        action=action,
        subject_type="payment account",
        subject_id=str(account.id),
        tenant_id=account.tenant_id,
        details=details,
    )
