"""`manage.py backlog`: what waits by tier, and how many workers it needs."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from messaging.fairness.looking import BrokerUnreadable
from messaging.fairness.needing import Need, needs


class Command(BaseCommand):
    """Print `needs`."""

    help = "Say how much waits for each tier's workers, and how many messages at once keep its service level."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="For a script: one object per tier.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look once."""
        try:
            found = needs()
        except (BrokerUnreadable, Error) as error:
            raise CommandError(f"It cannot be looked at: {error}".strip()) from error
        if options["json"]:
            self.stdout.write(json.dumps([_told(need) for need in found]))
            return
        self.stdout.write(
            f"{'tier':12} {'waiting':>8} {'oldest s':>9} {'work s':>9} {'busy':>6} {'level s':>8} {'needed':>7}"
        )
        for need in found:
            self.stdout.write(
                f"{need.pool:12} {need.waiting:8} {need.oldest_seconds:9.1f} {need.work_seconds:9.1f} {need.busy:6.1f}"
                f" {need.level_seconds:8} {need.needed:7}"
            )


def _told(need: Need) -> dict[str, Any]:
    return {
        "tier": need.pool,
        "waiting": need.waiting,
        "oldest_seconds": round(need.oldest_seconds, 3),
        "work_seconds": round(need.work_seconds, 3),
        "busy": round(need.busy, 3),
        "service_level_seconds": need.level_seconds,
        "needed": need.needed,
    }
