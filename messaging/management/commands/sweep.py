"""`manage.py sweep`: the sweeper process."""

import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections, connection

from messaging import metrics
from messaging.life import Life
from messaging.routing.steward import Steward
from messaging.settings import sweep_interval_seconds
from messaging.sweeper import Sweeper
from messaging.watches import watch_until
from tenants.registry.models import Tier
from wildrydes.kernel.waits import bound_answers

_log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Sweep until told to stop."""

    help = "Send again what has not started and take over what was abandoned, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="One pass, then end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop; a broker or database that is away is waited for, with one line when it goes and one when it is back."""
        if options["once"]:
            self.stdout.write(f"{Sweeper().pass_once()} sent")
            return
        bound_answers()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        sweeper, steward, life = Sweeper(), Steward(), Life("sweeper", needs_broker=True)
        away, is_first = False, True
        life.begin()
        watch_until(stop)
        while not stop.is_set():
            try:
                close_old_connections()
                if is_first:
                    metrics.sweeps_at_zero(Tier.objects.values_list("code", flat=True))
                    is_first = False
                sweeper.pass_once(go_on=lambda: not stop.is_set())
                steward.step_if_due()
            except Exception as error:  # noqa: BLE001  # the one process that must outlive every fault of the others
                if not away:
                    _log.warning("sweeper.interrupted", error=f"{type(error).__name__}: {error}"[:300])
                away = True
                metrics.count(metrics.SWEEPS, "interrupted")
                connection.close()
                stop.wait(0.5)
            else:
                if away:
                    _log.info("sweeper.resumed")
                away = False
                metrics.count(metrics.SWEEPS, "done")
            life.beat()
            stop.wait(sweep_interval_seconds())
        life.end()
