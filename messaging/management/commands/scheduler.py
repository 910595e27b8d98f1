"""`manage.py scheduler`: Celery beat with the product's schedule."""

from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand

from messaging.scheduling import beat_schedule
from wildrydes.kernel.waits import bound_answers


class Command(BaseCommand):
    """Start beat."""

    help = "Send scheduled jobs when they are due, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until told to stop. Two at once are harmless: jobs are idempotent and run under a lock."""
        bound_answers()
        current_app.conf.beat_schedule = beat_schedule()
        # Short naps, so that the sign of life stays fresh.
        current_app.start(
            [
                "--quiet",  # no banner
                "beat",
                "--loglevel",
                "INFO",
                "--max-interval",
                "2",
                "--pidfile",
                "",
                "--scheduler",
                "messaging.beat.BeatingScheduler",
            ]
        )
