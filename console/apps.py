"""The app's registration."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """See this app's README."""

    name = "console"
