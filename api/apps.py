"""The app's registration."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """See this app's README."""

    name = "api"
