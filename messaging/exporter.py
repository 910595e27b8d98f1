"""The exporter: looks at the database and the broker every few seconds and tells Prometheus what it saw.

A figure that is too old is not told any more, so that "nothing waits" and "nobody looks" are never the same.
"""

import time
from collections.abc import Iterator

import structlog
from django.db import DatabaseError, InterfaceError, connection

from messaging.fairness.figures import queue_figures
from messaging.fairness.needing import need_figures
from messaging.gauges import look
from messaging.needs import Needs
from wildrydes.kernel.telemetry import Collector, GaugeMetricFamily, Metric

_log = structlog.get_logger(__name__)
STALE_AFTER_SECONDS = 30.0


class Exporter(Collector):
    """Looks when told to, and tells what it saw last."""

    def __init__(self) -> None:
        self._needs = Needs(needs_broker=False)
        self._figures: list[Metric] = []
        self._looked_at = float("-inf")
        self._looked_at_clock = 0.0
        self._took = 0.0
        self._up: dict[str, bool] = {}
        self._was_up = True

    def look(self) -> None:
        """Look at everything once; what is away is told as away."""
        began = time.monotonic()
        health = self._needs.look()
        self._up = {part.name: not part.trouble for part in health.parts if part.name in ("database", "broker")}
        try:
            figures = [*look(), *queue_figures(), *need_figures()]
        except (DatabaseError, InterfaceError) as error:
            if self._was_up:
                _log.warning("exporter.could_not_look", error=type(error.__cause__ or error).__name__)
            self._was_up = self._up["database"] = False
            connection.close()
            return
        self._figures, self._was_up = figures, True
        self._looked_at, self._looked_at_clock = time.monotonic(), time.time()
        self._took = self._looked_at - began

    def collect(self) -> Iterator[Metric]:
        """What was seen last, unless that is too old."""
        up = GaugeMetricFamily("wildrydes_dependency_up", "Whether it answers: 1 or 0.", labels=["dependency"])
        for name, answers in self._up.items():
            up.add_metric([name], float(answers))
        yield up
        yield GaugeMetricFamily(
            "wildrydes_exporter_looked_timestamp_seconds", "When the figures below were taken.", self._looked_at_clock
        )
        yield GaugeMetricFamily("wildrydes_exporter_look_seconds", "How long that took.", self._took)
        if time.monotonic() - self._looked_at < STALE_AFTER_SECONDS:
            yield from self._figures
