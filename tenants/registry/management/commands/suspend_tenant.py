"""`manage.py suspend_tenant SLUG --reason …`: close admission for a company."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.registry.services import suspend_tenant
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """The Admin's action, for a terminal."""

    help = "Suspend a company: nothing new is admitted, what was accepted is finished."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who and why."""
        parser.add_argument("slug", help="The company's short name.")
        parser.add_argument("--reason", required=True, help="Why; the company may ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Suspend."""
        try:
            tenant = suspend_tenant(slug=options["slug"], reason=options["reason"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{tenant.name} is suspended.")
