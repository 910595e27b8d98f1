"""`manage.py exporter`: what only the database knows, for Prometheus."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from messaging.exporter import Exporter
from messaging.life import Life


class Command(BaseCommand):
    """Look and tell until told to stop."""

    help = "Look at backlog, dead letters and processes every few seconds and tell on METRICS_PORT, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--every", type=float, default=5.0, help="Seconds between two looks (default 5).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop; a database that is away is told as away."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        exporter = Exporter()
        life = Life("exporter", needs_broker=False, tolerance=60.0, collectors=(exporter,))
        exporter.look()
        life.begin()
        while not stop.wait(options["every"]):
            close_old_connections()
            exporter.look()
            life.beat()
        life.end()
