"""What a log line about a message says of whose it is, so that one search finds everything that belongs together."""

from uuid import UUID

from django.db import InterfaceError, OperationalError

from tenants.registry.directory import TenantRef, tenant_by_id


def story_of(tenant_id: UUID | None, correlation_id: UUID) -> dict[str, str]:
    """`correlation_id`, and `tenant` (its slug; the id where the directory does not know it) unless it is the platform's."""
    told = {"correlation_id": str(correlation_id)}
    if tenant_id is not None:
        tenant = tenant_if_known(tenant_id)
        told["tenant"] = str(tenant_id) if tenant is None else tenant.slug
    return told


def tenant_if_known(tenant_id: UUID) -> TenantRef | None:
    """The tenant, or None where there is none or the database cannot be asked: what is told must not fail for it."""
    try:
        return tenant_by_id(tenant_id)
    except (OperationalError, InterfaceError):
        return None
