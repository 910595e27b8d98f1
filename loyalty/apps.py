"""The app's registration."""

from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    """See this app's README."""

    name = "loyalty"
