"""The app's registration."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """See this app's README."""

    name = "tenants.staff"
    label = "staff"
    verbose_name = "Staff"

    def ready(self) -> None:
        """Note the beginning of every session of the console."""
        from django.contrib.auth.signals import user_logged_in

        from tenants.staff.sessions import session_begins

        user_logged_in.connect(session_begins, dispatch_uid="staff.session_begins")
