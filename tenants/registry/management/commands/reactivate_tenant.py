"""`manage.py reactivate_tenant SLUG`: open admission for a company again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.registry.services import reactivate_tenant
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """The Admin's action, for a terminal."""

    help = "Reactivate a suspended company."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who."""
        parser.add_argument("slug", help="The company's short name.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reactivate."""
        try:
            tenant = reactivate_tenant(slug=options["slug"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{tenant.name} is active.")
