"""The app's registration."""

from django.apps import AppConfig


class RfqConfig(AppConfig):
    """See this app's README."""

    name = "rfq"
    verbose_name = "Requests for quotes"
