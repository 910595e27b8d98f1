"""The contract between us and any payment provider. `tests/payments/providers/conformance` holds every adapter to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from messaging.errors import Reject, Retry
from payments.domain import Standing
from wildrydes.kernel.errors import DomainError

Remember = Callable[[str], None]
"""Commits the provider's id of a charge, before anything that takes money is asked for."""


class ProviderRefused(Reject):
    """The provider refused the request as such (wrong key, impossible fields): asking again gives the same answer."""


class ProviderBusy(Retry):
    """The provider sheds our load or is at a twin of the request: surely not done, and no sign of an outage."""


class NotGenuine(DomainError):
    """A notification that the provider did not sign, or signed too long ago."""

    status = 400
    code = "notification-not-genuine"
    title = "The notification's signature does not hold"


class NotUnderstood(DomainError):
    """A notification that is signed and cannot be read."""

    status = 400
    code = "notification-not-understood"
    title = "The notification cannot be read"


class Answers(StrEnum):
    """When a provider says what became of an order."""

    IN_CALL = "in the call"
    LATER = "later, by a notification"


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """How a tenant's account at a provider is reached.

    `account_id` is ours, None for the account that a tenant has without anybody setting one up. `name` is the account's name
    at the provider. `timeout` is for a whole call, in seconds. `company_source` and `customer` are the provider's tokens of the
    company's card on file and of the customer it belongs to, where it needs them.
    """

    account_id: UUID | None
    tenant_id: UUID
    provider: str
    name: str
    base_url: str
    timeout: float
    api_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    company_source: str = ""
    customer: str = ""

    @property
    def label(self) -> str:
        """What stands for the account where things are counted and kept apart."""
        return f"{self.provider}:{self.account_id or self.tenant_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargeOrder:
    """What is asked of a provider: an amount in minor units of an ISO 4217 currency, from a card's token.

    The same `idempotency_key` always means the same charge; `reference` is what people find it by in the provider's books.
    `ref` is the provider's id as far as it is known.
    """

    idempotency_key: str
    amount_minor: int
    currency: str
    source: str
    reference: str
    ref: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundOrder:
    """Giving back all or part of the charge `charge_ref`, in minor units."""

    idempotency_key: str
    charge_ref: str
    amount_minor: int
    currency: str
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderAnswer:
    """What became of an order: `ref` is the provider's id when there is one, `code` says why it was declined."""

    standing: Standing
    ref: str = ""
    code: str = ""


class PaymentProvider(Protocol):
    """One account at one provider. Every method gives up well within a delivery's lease.

    Raises, each of them:
        Retry: surely not done, as when there was no connection. `ProviderBusy` where it is there and sheds load.
        OutcomeUnknown: sent, and no answer that can be trusted.
        ProviderRefused: it can never succeed like this.
    """

    def charge(self, order: ChargeOrder, *, remember: Remember) -> ProviderAnswer:
        """Take money. A declined card is an answer, not an error; `PROCESSING` says that the answer comes later.

        A provider that gives a charge an id before it takes the money tells it to `remember` first.
        """

    def find_charge(self, order: ChargeOrder) -> ProviderAnswer | None:
        """What became of an earlier try, by its id or its idempotency key; None when it surely has taken nothing."""

    def refund(self, order: RefundOrder) -> ProviderAnswer:
        """Give money back. `DECLINED` says that it came to nothing there."""

    def find_refund(self, order: RefundOrder) -> ProviderAnswer | None:
        """What became of an earlier try, by its idempotency key; None when the provider knows of none."""


class About(StrEnum):
    """What a notification is about."""

    CHARGE = "charge"
    REFUND = "refund"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What a genuine notification says. It is a hint to look: what is booked is what the provider answers when asked.

    `event_id` tells copies. `key` is our idempotency key of the charge or refund it is about.
    """

    event_id: str
    type: str
    about: About
    key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapter:
    """One provider, as one file tells it. `payments.providers` has the table of them.

    `connect` gives the account's methods. `read_notification` gets the account, the raw body and the headers (names in lower
    case), and raises `NotGenuine` or `NotUnderstood`. `subscribe` tells the provider where to notify, where its API can;
    else an operator does that on its pages. `needs_key` says that nothing works without a secret key.
    """

    code: str
    title: str
    answers: Answers
    connect: Callable[[Access], PaymentProvider]
    read_notification: Callable[[Access, bytes, Mapping[str, str]], Notice]
    subscribe: Callable[[Access, str], None] | None = None
    needs_key: bool = True
    default_url: Callable[[], str] = lambda: ""
