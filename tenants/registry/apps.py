"""The app's registration."""

from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate


class RegistryConfig(AppConfig):
    """Tenants, tiers and domains; lives in `public`."""

    name = "tenants.registry"
    label = "registry"
    verbose_name = "Tenants"

    def ready(self) -> None:
        """Have the first signing key made when `public` is migrated, so that no request has to."""
        post_migrate.connect(_make_first_key, sender=self)


def _make_first_key(**kwargs: Any) -> None:
    from tenants.registry import keys  # models may be imported only when all apps are loaded

    in_public = getattr(connection, "schema_name", "public") == "public"
    if in_public and "registry_signingkey" in connection.introspection.table_names():
        keys.ensure_signing_key()
        keys.forget_keys()
