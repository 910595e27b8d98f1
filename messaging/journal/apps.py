"""The app's registration."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    """Messages, traces and errors of one tenant; lives in each tenant's schema, and in `public` for the platform's own."""

    name = "messaging.journal"
    label = "journal"
    verbose_name = "Journal"
