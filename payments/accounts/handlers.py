"""Telling a provider where to notify us."""

from dataclasses import dataclass, field
from uuid import UUID

from messaging.messages import Envelope
from messaging.prospects import cannot_tell, nothing_due, would
from messaging.topology import DeadCause, Prospect
from payments.accounts import services
from payments.accounts.directory import access_of, webhook_url
from payments.accounts.events import SubscribeToProvider
from payments.accounts.models import Account, AccountState
from payments.providers import adapter_of
from payments.providers.base import Access
from tenants.registry.context import current_tenant


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """Where an account's notifications are to go. Saying it again changes nothing, so nothing is looked up."""

    account_id: UUID
    url: str
    access: Access = field(repr=False)
    may_have_been_sent: bool = False


class SubscribeGateway:
    """Says it, with the patience of any call to a provider."""

    def prepare(self, message: Envelope[SubscribeToProvider]) -> Subscription | None:
        """None when the account is not in use any more."""
        account = Account.objects.filter(id=message.body.account_id, state=AccountState.ACTIVE).first()
        if account is None:
            return None
        access = access_of(current_tenant(), account.id)
        return Subscription(account_id=account.id, url=webhook_url(account), access=access)

    def lookup(self, intent: Subscription) -> bool | None:
        """Nothing to look up."""
        return None

    def call(self, intent: Subscription) -> bool:
        """Tell the provider."""
        subscribe = adapter_of(intent.access.provider).subscribe
        if subscribe is not None:
            subscribe(intent.access, intent.url)
        return True

    def settle(self, message: Envelope[SubscribeToProvider], intent: Subscription, result: bool) -> None:
        """Note that it knows."""
        services.note_subscribed(account_id=intent.account_id)


def subscription_given_up(message: Envelope[SubscribeToProvider], cause: DeadCause) -> None:
    """The account shows that nobody notifies it; its charges are found by looking."""
    services.note_not_subscribed(account_id=message.body.account_id)


def foresee_subscription(message: Envelope[SubscribeToProvider]) -> Prospect:
    """What `payments.subscribe` would do."""
    account = Account.objects.filter(id=message.body.account_id).first()
    if account is None:
        return cannot_tell("There is no such payment account; it would come to nothing.")
    if account.state != AccountState.ACTIVE:
        return nothing_due("The payment account is not in use any more.")
    return would("The provider would be told where to notify the company's payment account.")
