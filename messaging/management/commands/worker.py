"""`manage.py worker`: a Celery worker for one or more tiers."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from celery import current_app, signals
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection

from messaging.broker_clients import KeepClient
from messaging.faults import is_database_away
from messaging.leaving import Leaving
from messaging.life import Life
from messaging.metrics import begin_at_zero
from messaging.routing.cycle import WeightedCycle
from messaging.routing.following import Follow, Following
from messaging.routing.registry import PLATFORM
from messaging.topology import QueueClass, get_topology
from tenants.registry.models import Tier
from wildrydes.kernel.telemetry import retire_dead
from wildrydes.kernel.waits import bound_answers

_log = structlog.get_logger(__name__)
T = TypeVar("T")
_BEAT_SECONDS = 2.0
# For a database that is away when a worker starts.
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.5
_CLASSES = [str(queue_class) for queue_class in QueueClass]


class Command(BaseCommand):
    """Translate tiers and queue classes into queues and start Celery."""

    help = "Run a worker for a tier's queues, for example: manage.py worker --tier premium --class payments"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--tier",
            action="append",
            required=True,
            help=f"A tier's code, or {PLATFORM} for platform work only. May be repeated.",
        )
        parser.add_argument(
            "--class", action="append", dest="classes", choices=_CLASSES, help="A queue class; all when not given."
        )
        parser.add_argument("--concurrency", type=int, help="Threads (default 8) or processes (default: one per core).")
        parser.add_argument(
            "--pool", choices=["threads", "prefork"], help="Threads where a class calls the outside, else prefork."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, and stay until told to stop."""
        classes: list[str] = options["classes"] or _CLASSES
        tiers = self._known(options["tier"])
        Follow.following = Following(tiers, classes)
        queues = sorted(_patiently(Follow.following.look))
        pool = options["pool"] or ("threads" if self._calls_outside(classes) else "prefork")
        argv = [
            "--quiet",  # no banner
            "worker",
            "--queues",
            ",".join(queues),
            "--pool",
            pool,
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
        ]
        concurrency = options["concurrency"] or (8 if pool == "threads" else None)
        if concurrency:
            argv += ["--concurrency", str(concurrency)]
        argv += ["--hostname", f"{'-'.join(tiers)}.%n.{threading.get_native_id()}@%h"]
        bound_answers()
        Leaving(pool=pool).watch()
        _show_life(tiers)
        current_app.steps["consumer"].update((KeepClient, Follow))
        order = f"{WeightedCycle.__module__}:{WeightedCycle.__name__}"
        current_app.conf.broker_transport_options = {
            **current_app.conf.broker_transport_options,
            "queue_order_strategy": order,
        }
        current_app.worker_main(argv)

    @staticmethod
    def _known(tiers: list[str]) -> list[str]:
        codes = {*_patiently(lambda: list(Tier.objects.values_list("code", flat=True))), PLATFORM}
        unknown = sorted(set(tiers) - codes)
        if unknown:
            raise CommandError(f"There is no tier {', '.join(unknown)}; choose from {', '.join(sorted(codes))}.")
        return sorted(set(tiers))

    @staticmethod
    def _calls_outside(classes: list[str]) -> bool:
        return any(route.shape == "gateway" and route.queue_class in classes for route in get_topology().routes)


def _patiently(question: Callable[[], T]) -> T:
    """Ask. A database that is away for a moment is waited for: another start would cost more than the moment.

    Raises:
        CommandError: it stays away.
    """
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return question()
        except Error as error:
            if not is_database_away(error):
                raise
            if time.monotonic() > give_up:
                raise CommandError("The database does not answer: start it, or correct DATABASE_URL.") from error
            _log.warning("worker.waits_for_database", error=type(error).__name__)
            connection.close()
        time.sleep(_PAUSE_SECONDS)


def _show_life(tiers: list[str]) -> None:
    """Tell for as long as the process lives that it does, how it is and what it has counted."""
    life = Life("worker", about=",".join(tiers), needs_broker=True)
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(_BEAT_SECONDS):
            life.beat()

    def begin(**kwargs: Any) -> None:
        life.begin()
        begin_at_zero(tiers)
        threading.Thread(target=beat, name="sign-of-life", daemon=True).start()

    def end(**kwargs: Any) -> None:
        stopped.set()
        life.end()

    signals.worker_ready.connect(begin, weak=False)
    signals.worker_shutdown.connect(end, weak=False)
    signals.worker_process_init.connect(_tidy, weak=False)


def _tidy(**kwargs: Any) -> None:
    """A new child is there because another died."""
    retire_dead()
