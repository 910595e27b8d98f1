"""The app's registration."""

from django.apps import AppConfig


class BookingsConfig(AppConfig):
    """See this app's README."""

    name = "bookings"
