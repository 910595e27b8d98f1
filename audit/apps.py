"""The app's registration."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Who did what; lives in `public`."""

    name = "audit"
