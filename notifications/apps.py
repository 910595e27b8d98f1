"""The app's registration."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """See this app's README."""

    name = "notifications"
