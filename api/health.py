"""`/healthz` and `/readyz`, for process managers and load balancers, on every host name and address.

Ready means that bookings would be accepted: the database answers and its migrations are applied. Everything else is only
reported, in words: without the broker, or a sweeper, work is accepted and waits.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from api.errors import MethodNotAllowed
from api.problems import problem_response
from messaging.needs import Needs

# What the web does without, and what becomes of accepted work without them.
WANTED = ("sweeper", "worker", "scheduler")


def webs_needs() -> Needs:
    """What a process of the web needs and wants."""
    return Needs(needs_broker=False, wants=WANTED, asks_others=True)


class HealthMiddleware:
    """Answers the two paths before the host is looked at; everything else passes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._needs = webs_needs()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a probe, or pass the request on."""
        if request.path_info not in ("/healthz", "/readyz"):
            return self._get_response(request)
        if request.method not in ("GET", "HEAD"):
            response: HttpResponse = problem_response(request, MethodNotAllowed("Probes use GET or HEAD."))
            response["Allow"] = "GET, HEAD"
        elif request.path_info == "/healthz":
            response = JsonResponse({"status": "alive"})
        else:
            health = self._needs.look()
            response = JsonResponse(health.document(), status=200 if health.is_ready else 503)
        response["Cache-Control"] = "no-store"
        return response
