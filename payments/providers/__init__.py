"""Which providers there are, and how a tenant's account at one of them is used."""

from payments.providers import simulator, stripe
from payments.providers.base import Access, Adapter, PaymentProvider
from wildrydes.kernel.errors import ConfigurationError, InvalidInput

ADAPTERS: dict[str, Adapter] = {
    adapter.code: adapter for adapter in (simulator.IN_CALL, simulator.LATER, stripe.ADAPTER)
}
"""By their codes, which charges and accounts remember: one that was used once stays here."""
DEFAULT = simulator.IN_CALL.code


def adapter_of(code: str) -> Adapter:
    """The provider with this code.

    Raises:
        InvalidInput: there is none.
    """
    adapter = ADAPTERS.get(code)
    if adapter is None:
        raise InvalidInput.at("/provider", f"There is no payment provider {code!r}; there are {', '.join(ADAPTERS)}.")
    return adapter


def provider_for(access: Access) -> PaymentProvider:
    """The account's methods.

    Raises:
        ConfigurationError: nobody has said where this provider answers, or its key is missing.
    """
    adapter = adapter_of(access.provider)
    if not access.base_url:
        raise ConfigurationError("PAYMENT_PROVIDER_URL is not set: say where the payment provider answers.")
    if adapter.needs_key and not access.api_key:
        raise ConfigurationError(f"The account at {adapter.title} has no secret key: set one in the console.")
    return adapter.connect(access)
