"""The app's registration."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """See this app's README."""

    name = "fleet"
