"""The app's registration."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Deliveries and dead letters; lives in `public`."""

    name = "messaging"
    verbose_name = "Messaging"

    def ready(self) -> None:
        """Register the check that refuses a topology naming what does not exist; count calls to the outside."""
        from messaging import checks  # noqa: F401  # checks register on import, when all apps are loaded
        from wildrydes.kernel.http.counting import count_call
        from wildrydes.kernel.http.observing import observe_calls

        observe_calls(count_call)
