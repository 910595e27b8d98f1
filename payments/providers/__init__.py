"""Which provider, and which account there, a tenant's payments go through."""

from django.conf import settings

from payments.providers.base import PaymentProvider
from payments.providers.simulator import SimulatorProvider
from wildrydes.kernel.errors import ConfigurationError


def provider_for(tenant_slug: str) -> PaymentProvider:
    """The tenant's account at the payment provider.

    Every tenant has an account of its own, so that one tenant's trouble there is not another's. The simulator takes any
    account; keys of a real provider will be sealed rows per tenant, read here.

    Raises:
        ConfigurationError: no provider is configured.
    """
    if not settings.PAYMENT_PROVIDER_URL:
        raise ConfigurationError("PAYMENT_PROVIDER_URL is not set: say where the payment provider answers.")
    return SimulatorProvider(
        base_url=settings.PAYMENT_PROVIDER_URL,
        api_key=f"sk_sim_{tenant_slug}",
        timeout=settings.PAYMENT_PROVIDER_TIMEOUT_SECONDS,
    )
