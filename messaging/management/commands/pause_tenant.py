"""`manage.py pause_tenant SLUG --reason …`: let a company's messages wait."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.services import Actor
from messaging.fairness.pausing import pause_processing
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """The console's switch, for a terminal."""

    help = "Pause the work of a company: its messages wait, what is being worked on is finished. See resume_tenant."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who and why."""
        parser.add_argument("slug", help="The company's short name.")
        parser.add_argument("--reason", required=True, help="Why; it goes into the audit trail.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Pause."""
        try:
            tenant = pause_processing(slug=options["slug"], reason=options["reason"], actor=Actor.command())
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{tenant.name}: its messages wait from now on.")
