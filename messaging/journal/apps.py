"""The app's registration."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    """Messages, traces and errors of one tenant; lives in each tenant's schema, and in `public` for the platform's own."""

    name = "messaging.journal"
    label = "journal"
    verbose_name = "Journal"

    def ready(self) -> None:
        """Hear of every call to the outside."""
        from messaging.journal.recording import record_call  # models are there only now
        from wildrydes.kernel.http import observe_calls

        observe_calls(record_call)
