"""`manage.py sync_fleet`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fleet.feed import FeedError
from fleet.services import sync_fleet
from wildrydes.kernel.errors import ConfigurationError


class Command(BaseCommand):
    """Takes over the fleet operator's feed once; the scheduler does the same every few seconds."""

    help = "Take over unicorns and their positions from the fleet operator's system (UNICORNS_URL), once."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it and say what it brought."""
        try:
            result = sync_fleet()
        except (FeedError, ConfigurationError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{result.seen} unicorns, {result.changed} new or changed, {result.moved} moved.")
