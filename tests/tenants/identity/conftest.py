"""Fixtures of this package."""

import pytest
from django.core.management import call_command
from django.db import connection

from tenants.registry.context import enter_tenant
from tenants.registry.directory import forget, tenant_by_host
from tenants.registry.models import Domain, Tenant, TenantStatus


def _make(slug, tier):
    tenant = Tenant.objects.create(
        name=slug.title(), slug=slug, schema_name=f"t_{slug}", tier_id=tier, status=TenantStatus.ACTIVE
    )
    Domain.objects.create(tenant=tenant, domain=f"{slug}.localhost", is_primary=True)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA t_{slug}")
    call_command("migrate_schemas", schema_name=f"t_{slug}", verbosity=0)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        _make("acme", "basic")
        _make("globex", "premium")
        forget()


@pytest.fixture
def tenant(db):
    forget()
    return tenant_by_host("acme.localhost")


@pytest.fixture
def other_tenant(db):
    return tenant_by_host("globex.localhost")


@pytest.fixture
def in_tenant(tenant):
    with enter_tenant(tenant):
        yield tenant
