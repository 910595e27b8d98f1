"""`manage.py saga`: the saga's table and diagram."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from bookings.saga_drawing import document

PAGE = settings.BASE_DIR / "docs" / "saga.md"


class Command(BaseCommand):
    """Print the page, or write it to its place."""

    help = "Print the saga of a ride as Markdown with a Mermaid diagram."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--write` puts it into docs/saga.md."""
        parser.add_argument("--write", action="store_true", help="write docs/saga.md instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        if options["write"]:
            PAGE.parent.mkdir(exist_ok=True)
            PAGE.write_text(document())
            self.stdout.write(f"{PAGE.relative_to(settings.BASE_DIR)} written")
        else:
            self.stdout.write(document())
