"""From a company's short name in an address to its schema."""

from collections.abc import Iterator
from contextlib import contextmanager

from tenants.registry.context import enter_tenant
from tenants.registry.directory import TenantRef, snapshot
from tenants.registry.models import Tenant, TenantStatus
from wildrydes.kernel.errors import NotFound

WORKING = (TenantStatus.ACTIVE, TenantStatus.SUSPENDED)
MOST_COMPANIES = 500


@contextmanager
def entered(slug: str) -> Iterator[TenantRef]:
    """Inside the company's schema.

    Raises:
        NotFound: there is no such company, or it has no schema yet.
    """
    found = Tenant.objects.select_related("tier").filter(slug=slug, status__in=WORKING).first()
    if found is None:
        raise NotFound("There is no such company.")
    tenant = snapshot(found)
    with enter_tenant(tenant):
        yield tenant


def companies() -> list[TenantRef]:
    """Those that have money to compare, by name."""
    rows = Tenant.objects.select_related("tier").filter(status__in=WORKING).order_by("name")[:MOST_COMPANIES]
    return [snapshot(row) for row in rows]
