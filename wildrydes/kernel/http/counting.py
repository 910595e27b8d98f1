"""Counting calls to the outside, by what they are for and how they end; named after OpenTelemetry's HTTP conventions."""

from functools import lru_cache

from wildrydes.kernel.http.observing import OutboundCallSeen
from wildrydes.kernel.telemetry import Histogram

DURATION = Histogram(
    "http_client_request_duration_seconds",
    "Calls to the outside, from the look-up of the name to the whole answer.",
    ("purpose", "outcome"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)


def count_call(seen: OutboundCallSeen) -> None:
    """An observer; see `observing.observe_calls`. `outcome` is `2xx` … `5xx`, or the error's class without an answer."""
    whole = seen.status is not None and not seen.error
    outcome = f"{seen.status // 100}xx" if whole and seen.status is not None else seen.error or "unknown"
    _duration(seen.purpose[:40], outcome[:40]).observe(seen.duration.total_seconds())


@lru_cache(maxsize=1024)
def _duration(purpose: str, outcome: str) -> Histogram:
    return DURATION.labels(purpose, outcome)
