"""The app's registration."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """See this app's README."""

    name = "payments.ledger"
