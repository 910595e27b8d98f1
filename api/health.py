"""`/healthz` and `/readyz`, for process managers and load balancers, on every host name and address.

Ready means that bookings would be accepted: the database answers and its migrations are applied. The broker is only reported:
without it work is accepted and waits.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.errors import MethodNotAllowed
from api.problems import problem_response
from tenants.registry.context import enter_public
from wildrydes.kernel.redis_urls import client_url

_BROKER_TIMEOUT_SECONDS = 0.1
# Probes come from many sides; each part is looked at once in this time.
_REMEMBERED_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class HealthMiddleware:
    """Answers the two paths before the host is looked at; everything else passes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._readiness = Readiness()

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
            report = self._readiness.report()
            response = JsonResponse(report, status=200 if report["status"] == "ready" else 503)
        response["Cache-Control"] = "no-store"
        return response


class Readiness:
    """What this process can do at the moment, looked at no more than once a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._report: dict[str, Any] = {}
        self._migrated = False
        self._redis: redis.Redis | None = None

    def report(self) -> dict[str, Any]:
        """`status` is `ready` or `unavailable`; `database`, `migrations` and `broker` say why."""
        with self._lock:
            if time.monotonic() - self._looked_at >= _REMEMBERED_SECONDS:
                self._report = self._look()
                self._looked_at = time.monotonic()
            return self._report

    def _look(self) -> dict[str, Any]:
        database, migrations = self._database()
        ready = database == "ok" and migrations == "applied"
        return {
            "status": "ready" if ready else "unavailable",
            "database": database,
            "migrations": migrations,
            "broker": self._broker(),
        }

    def _database(self) -> tuple[str, str]:
        try:
            with enter_public(), connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                # Once applied they stay applied for as long as this code runs.
                self._migrated = self._migrated or _is_migrated()
        except (DatabaseError, InterfaceError) as error:
            _log.warning("readiness.database_away", error=type(error.__cause__ or error).__name__)
            return "away", "unknown"
        return "ok", "applied" if self._migrated else "pending"

    def _broker(self) -> str:
        try:
            if self._redis is None:
                self._redis = redis.Redis.from_url(
                    client_url(settings.CELERY_BROKER_URL),
                    socket_timeout=_BROKER_TIMEOUT_SECONDS,
                    socket_connect_timeout=_BROKER_TIMEOUT_SECONDS,
                    retry=Retry(NoBackoff(), 0),
                )
            self._redis.ping()
        except (redis.RedisError, OSError, ValueError):
            return "away"
        return "ok"


def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
