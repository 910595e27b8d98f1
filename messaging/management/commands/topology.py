"""`manage.py topology`: who gets which message."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from messaging.drawing import topology_as_mermaid, topology_as_table


class Command(BaseCommand):
    """Print the topology."""

    help = "Print every message with its handlers, as a table or as a Mermaid flowchart."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--mermaid", action="store_true", help="Draw it instead.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        self.stdout.write(topology_as_mermaid() if options["mermaid"] else topology_as_table())
