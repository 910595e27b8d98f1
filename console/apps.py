"""The app's registration."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConsoleConfig(AppConfig):
    """See this app's README."""

    name = "console"

    def ready(self) -> None:
        """Keep the roles of staff as the code says."""
        from console.roles import keep_roles  # its models are there only now

        post_migrate.connect(keep_roles, sender=apps.get_app_config("auth"), dispatch_uid="console.roles")
