"""What onboarding sends and publishes."""

from typing import ClassVar
from uuid import UUID

from messaging.messages import Command, Event


class ProvisionTenant(Command, frozen=True, kw_only=True):
    """Make the schema of a registered tenant and open it for service. A platform message."""

    topic: ClassVar[str] = "onboarding.provision"

    run_id: UUID


class TenantProvisioned(Event, frozen=True, kw_only=True):
    """A tenant is open for service. `tier` is the tier's code, `currency` an ISO 4217 code. In the tenant's journal."""

    topic: ClassVar[str] = "tenant.provisioned"

    tenant_id: UUID
    name: str
    tier: str
    currency: str
