"""The app's registration."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Tenants, tiers and domains; lives in `public`."""

    name = "tenants.registry"
    label = "registry"
    verbose_name = "Tenants"
