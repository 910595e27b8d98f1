"""Endpoints that exercise what all endpoints share, below the real middleware."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db import DataError, IntegrityError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from api.admission import admit_work
from api.idempotency import idempotent
from api.permissions import IsAdministrator, IsManager
from api.principal import Principal
from api.responses import accepted
from api.serializers import StrictSerializer
from api.services import open_operation
from api.views import ApiView
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.ids import new_id
from wildrydes.urls_tenant import handler400, handler403, handler404, handler500
from wildrydes.urls_tenant import urlpatterns as real

__all__ = ["handler400", "handler403", "handler404", "handler500"]


class SampleAuthentication(BaseAuthentication):
    """`Authorization: Sample <user id> <role> [tenant id]`."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        scheme, *words = request.headers.get("Authorization", "none").split()
        if scheme != "Sample":
            return None
        tenant_id = UUID(words[2]) if len(words) > 2 else request.tenant.id
        return Principal(user_id=UUID(words[0]), tenant_id=tenant_id, role=words[1]), None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class SampleView(ApiView):
    authentication_classes = [SampleAuthentication]


class PlaceSerializer(StrictSerializer):
    latitude = serializers.FloatField(min_value=-90, max_value=90)
    longitude = serializers.FloatField(min_value=-180, max_value=180)


class RideSerializer(StrictSerializer):
    passengers = serializers.IntegerField(min_value=1, max_value=9, default=1)
    pickup = PlaceSerializer(required=False)
    stops = PlaceSerializer(many=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=10), required=False, max_length=3)
    quiet = serializers.BooleanField(required=False)
    kind = serializers.ChoiceField(["fast", "slow"], required=False)
    ref = serializers.UUIDField(required=False, allow_null=True)
    at = serializers.DateTimeField(required=False)
    note = serializers.CharField(required=False, allow_blank=True)


class Echo(SampleView):
    def post(self, request: Request) -> Response:
        body = RideSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(body.data)

    def get(self, request: Request) -> Response:
        return Response({"user": self.principal.user_id, "tenant": self.tenant.slug})


class ManagersOnly(SampleView):
    permission_classes = [IsManager]

    def get(self, request: Request) -> Response:
        return Response({})


class AdministratorsOnly(SampleView):
    permission_classes = [IsAdministrator]

    def get(self, request: Request) -> Response:
        return Response({})


class Works(SampleView):
    """Accepts work, once per idempotency key. `{"refuse": true}` is refused after writing; `{"answer": 409}` answers an error."""

    answers_replays = True

    def post(self, request: Request) -> Any:
        return idempotent(request, lambda: self._work(request))

    def _work(self, request: Request) -> Response:
        admit_work(self.tenant)
        operation = open_operation(
            kind="sample",
            user_id=self.principal.user_id,
            resource_path="/api/v1/samples/1",
            resource_id=new_id(),
            deadline_at=utcnow() + timedelta(minutes=10),
            correlation_id=new_id(),
        )
        if request.data.get("refuse"):
            raise InvalidInput.at("/refuse", "You asked for it.")
        if request.data.get("sleep"):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(%s)", [request.data["sleep"]])
        if request.data.get("answer"):
            return Response({}, status=request.data["answer"])
        return accepted(operation, request)


def _caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


_ERRORS: dict[str, Exception] = {
    "bug": RuntimeError("secret detail of a bug"),
    "data": DataError("secret value out of range"),
    "integrity": IntegrityError("secret key already exists"),
    "away": OperationalError("secret host is away"),
    "lock": _caused(OperationalError("x"), psycopg.errors.LockNotAvailable()),
    "deadlock": _caused(OperationalError("x"), psycopg.errors.DeadlockDetected()),
}


class Fails(SampleView):
    def get(self, request: Request, name: str) -> Response:
        raise _ERRORS[name]


def plain_failure(request: HttpRequest, name: str) -> HttpResponse:
    raise _ERRORS[name]


class BadSql(SampleView):
    """Lets PostgreSQL itself refuse what the query names."""

    _STATEMENTS = {
        "data": "SELECT 'abc'::integer",
        "range": "SELECT 10::smallint * 32767::smallint",
        "behind": "SELECT nothing_of_the_kind FROM api_operation",
        "timeout": "SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)",
    }

    def get(self, request: Request, name: str) -> Response:
        with connection.cursor() as cursor:
            cursor.execute(self._STATEMENTS[name])
        return Response({})


urlpatterns = [
    path("echo", Echo.as_view()),
    path("managers", ManagersOnly.as_view()),
    path("administrators", AdministratorsOnly.as_view()),
    path("works", Works.as_view()),
    path("fails/<str:name>", Fails.as_view()),
    path("plain/<str:name>", plain_failure),
    path("sql/<str:name>", BadSql.as_view()),
    *real,
]
