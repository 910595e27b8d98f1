"""The contract between us and any payment provider."""

from dataclasses import dataclass
from typing import Protocol

from messaging.errors import Reject
from payments.domain import Standing


class ProviderRefused(Reject):
    """The provider refused the request as such (wrong key, impossible fields): asking again gives the same answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargeOrder:
    """What is asked of a provider: an amount in minor units of an ISO 4217 currency, from a card's token.

    The same `idempotency_key` always means the same charge; `reference` is what people find it by in the provider's books.
    """

    idempotency_key: str
    amount_minor: int
    currency: str
    source: str
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundOrder:
    """Giving back all or part of the charge `charge_ref`, in minor units."""

    idempotency_key: str
    charge_ref: str
    amount_minor: int
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
        Retry: surely not done, as when there was no connection or the provider sheds load.
        OutcomeUnknown: sent, and no answer that can be trusted.
        ProviderRefused: it can never succeed like this.
    """

    def charge(self, order: ChargeOrder) -> ProviderAnswer:
        """Take money. A declined card is an answer, not an error."""

    def find_charge(self, order: ChargeOrder) -> ProviderAnswer | None:
        """What became of an earlier try, by its idempotency key; None when the provider knows of none."""

    def refund(self, order: RefundOrder) -> ProviderAnswer:
        """Give money back."""

    def find_refund(self, order: RefundOrder) -> ProviderAnswer | None:
        """What became of an earlier try, by its idempotency key; None when the provider knows of none."""
