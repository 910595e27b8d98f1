"""The app's registration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """See this app's README."""

    name = "tenants.accounts"
    label = "accounts"
    verbose_name = "Tenant accounts"
