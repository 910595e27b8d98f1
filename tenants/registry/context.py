"""Entering a tenant's schema. Nothing else in the product changes the search path."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection
from django_tenants.utils import schema_context

from tenants.registry.directory import TenantRef, tenant_by_schema


class NoTenant(RuntimeError):
    """Work that belongs to a tenant was attempted outside of one: a mistake of ours, never run in `public`."""


@contextmanager
def enter_tenant(tenant: TenantRef) -> Iterator[TenantRef]:
    """Work in the tenant's schema; log lines carry its slug. Nesting restores the outer one.

    Where one is already, nothing is done: the search path would be set once more for nothing.
    """
    if entered_schema() == tenant.schema_name:
        yield tenant
        return
    with schema_context(tenant.schema_name), structlog.contextvars.bound_contextvars(tenant=tenant.slug):
        yield tenant


@contextmanager
def enter_public() -> Iterator[None]:
    """Work in `public`, for platform work only."""
    if entered_schema() == "public":
        yield
        return
    with schema_context("public"):
        yield


def entered_schema() -> str:
    """The schema that queries go to first; `public` when no tenant is entered."""
    schema: str = connection.schema_name  # type: ignore[attr-defined]  # django-tenants' own attribute
    return schema


def current_tenant() -> TenantRef:
    """The tenant whose schema is entered.

    Raises:
        NoTenant: in `public`, or in a schema that is no tenant's.
    """
    schema = entered_schema()
    tenant = None if schema == "public" else tenant_by_schema(schema)
    if tenant is None:
        raise NoTenant(f"No tenant is entered (schema {schema}).")
    return tenant
