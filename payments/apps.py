"""The app's registration."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """See this app's README."""

    name = "payments"
