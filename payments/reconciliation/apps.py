"""The app's registration."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    """See this app's README."""

    name = "payments.reconciliation"
