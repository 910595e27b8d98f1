"""A provider behind its guards: retry budget, room and circuit breaker, in this order. Whichever refuses, nothing was sent.

What is refused is put back uncounted (`PutBack`), not before it makes sense to ask again; a charge's deadline still holds.
"""

from collections.abc import Callable
from typing import TypeVar

from payments.guarding.breaker import check_breaker, through_breaker
from payments.guarding.budget import count_first, spend_retry
from payments.guarding.room import room
from payments.providers import provider_for
from payments.providers.base import (
    Access,
    ChargeOrder,
    PaymentProvider,
    ProviderAnswer,
    RefundOrder,
    Remember,
)

__all__ = ["check_breaker", "guarded"]
T = TypeVar("T")


class _Guarded:
    """The four methods of the contract, guarded; they raise `PutBack` as well."""

    def __init__(self, access: Access, provider: PaymentProvider, *, again: bool) -> None:
        self._access = access
        self._provider = provider
        self._again = again

    def charge(self, order: ChargeOrder, *, remember: Remember) -> ProviderAnswer:
        return self._first(lambda: self._provider.charge(order, remember=remember))

    def refund(self, order: RefundOrder) -> ProviderAnswer:
        return self._first(lambda: self._provider.refund(order))

    def find_charge(self, order: ChargeOrder) -> ProviderAnswer | None:
        return self._look(lambda: self._provider.find_charge(order))

    def find_refund(self, order: RefundOrder) -> ProviderAnswer | None:
        return self._look(lambda: self._provider.find_refund(order))

    def _first(self, call: Callable[[], T]) -> T:
        count_first(self._access)
        return self._send(call)

    def _look(self, call: Callable[[], T]) -> T:
        if self._again:
            spend_retry(self._access)
        return self._send(call)

    def _send(self, call: Callable[[], T]) -> T:
        with room(self._access):
            return through_breaker(self._access, call)


def guarded(access: Access, *, again: bool = False) -> PaymentProvider:
    """The account's methods behind its guards. `again`: a look-up begins a retry and is paid from the budget.

    Raises:
        ConfigurationError: as `provider_for`.
    """
    return _Guarded(access, provider_for(access), again=again)
