"""Telemetry: what a process counts, and the listener on which it tells that and how it is.

Every process of the product counts with `prometheus_client`. A group of processes (gunicorn and its workers, a Celery worker
and its children) shares the directory `METRICS_DIR`, and any member tells the sum of all; docs/decisions/metrics.md says why.
Where to count is decided when the library is first imported, so everybody takes the library's classes from here.
"""

from wildrydes.kernel.telemetry.directory import begin_group, retire_dead, scrape

from prometheus_client import Counter, Histogram, Metric  # isort: skip  # after the directory, which decides where to count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from wildrydes.kernel.telemetry.listener import Health, Listener, Part, listen
from wildrydes.kernel.telemetry.pulse import Pulse

__all__ = [
    "Collector",
    "Counter",
    "GaugeMetricFamily",
    "Health",
    "Histogram",
    "Listener",
    "Metric",
    "Part",
    "Pulse",
    "begin_group",
    "listen",
    "retire_dead",
    "scrape",
]
