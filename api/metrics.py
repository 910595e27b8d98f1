"""How many requests there were and how long they took, by route and kind of answer; never by path, host or tenant.

Named after OpenTelemetry's HTTP conventions, in Prometheus' spelling. The count is the histogram's own.
"""

from collections.abc import Callable
from functools import lru_cache
from time import perf_counter

from django.http import HttpRequest, HttpResponse

from wildrydes.kernel.telemetry import Histogram

DURATION = Histogram(
    "http_server_request_duration_seconds",
    "From the request's arrival in Django to its answer.",
    ("http_route", "http_request_method", "status_class"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
# What no route matched: paths are the clients' to invent, labels are not.
NO_ROUTE = "(none)"
_PROBES = {"/healthz": "healthz", "/readyz": "readyz"}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class MetricsMiddleware:
    """Counts and times every request. The first of all, so that it sees what the others answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, then count it."""
        began = perf_counter()
        response = self._get_response(request)
        method = request.method if request.method in _METHODS else "other"
        _duration(_route(request), str(method), f"{response.status_code // 100}xx").observe(perf_counter() - began)
        return response


@lru_cache(maxsize=4096)
def _duration(route: str, method: str, status_class: str) -> Histogram:
    return DURATION.labels(route, method, status_class)


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is not None:
        return str(match.route)
    return _PROBES.get(request.path_info, NO_ROUTE)
