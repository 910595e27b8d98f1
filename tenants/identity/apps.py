"""The app's registration."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """See this app's README."""

    name = "tenants.identity"
    label = "identity"
    verbose_name = "Users"
