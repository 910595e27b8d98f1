"""`manage.py resume_tenant SLUG`: let a paused company's messages be taken again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.services import Actor
from messaging.fairness.pausing import resume_processing
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """The console's switch, for a terminal."""

    help = "Let the work of a paused company go on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who."""
        parser.add_argument("slug", help="The company's short name.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Resume."""
        try:
            tenant = resume_processing(slug=options["slug"], actor=Actor.command())
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{tenant.name}: its work goes on.")
