"""Housekeeping that goes from tenant to tenant."""

from collections.abc import Callable

import structlog
from django.db import DatabaseError

from tenants.registry.context import enter_tenant
from tenants.registry.directory import snapshot
from tenants.registry.models import Tenant, TenantStatus

_log = structlog.get_logger(__name__)


def in_every_tenant(work: Callable[[], int]) -> int:
    """Run `work` in the schema of each tenant that is served or suspended; answers the sum of what it answers.

    A tenant whose database work fails (its schema is being migrated, say) is logged and passed over until the next round.
    """
    total = 0
    working = Tenant.objects.select_related("tier").filter(status__in=[TenantStatus.ACTIVE, TenantStatus.SUSPENDED])
    for tenant in [snapshot(row) for row in working]:
        try:
            with enter_tenant(tenant):
                total += work()
        except DatabaseError as error:
            _log.warning("round.tenant_passed_over", tenant=tenant.slug, error=type(error.__cause__ or error).__name__)
    return total
