"""Every error of the HTTP interface becomes a problem document here (RFC 9457), whoever raised it."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import structlog
from django.core.exceptions import (
    BadRequest as DjangoBadRequest,
)
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.encoding import escape_uri_path
from rest_framework import exceptions
from rest_framework.response import Response

from api import errors
from api.correlation import request_id
from wildrydes.kernel.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound, OverloadedError
from wildrydes.kernel.problems import CONTENT_TYPE, problem, problem_headers
from wildrydes.kernel.strict_json import pointer_to

_log = structlog.get_logger(__name__)

_NON_FIELD = "non_field_errors"
# The database said "not now": somebody else holds what is needed, or the statement took too long.
_CONTENTION = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
# The tenant's schema is older than the code: its migration has not come by yet.
_BEHIND = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName)


def domain_error(error: BaseException) -> DomainError | None:
    """What a client is told about `error`; None when it is a mistake of ours."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, exceptions.APIException):
        return _from_framework(error)
    if isinstance(error, Http404):
        return NotFound("There is nothing at this address, or it is not yours.")
    if isinstance(error, PermissionDenied):
        return Forbidden("Your role does not allow this.")
    if isinstance(error, RequestDataTooBig):
        return errors.BodyTooLarge("Send a smaller body.")
    if isinstance(error, UnreadablePostError):
        return errors.BadRequest("The connection broke before the whole body had arrived.")
    if isinstance(error, SuspiciousOperation | DjangoBadRequest):
        return errors.BadRequest("The request is malformed.")
    if isinstance(error, DatabaseError | InterfaceError):
        return _from_database(error)
    return None


def _from_framework(error: exceptions.APIException) -> DomainError | None:
    if isinstance(error, exceptions.ValidationError):
        return InvalidInput(
            "Correct the fields listed in `errors` and send the request again.",
            errors=[{"pointer": at, "detail": text} for at, text in flatten(error.detail)],
        )
    detail = str(error.detail)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return errors.Unauthenticated(detail)
    known: dict[type[exceptions.APIException], type[DomainError]] = {
        exceptions.ParseError: errors.MalformedBody,
        exceptions.PermissionDenied: Forbidden,
        exceptions.NotFound: NotFound,
        exceptions.MethodNotAllowed: errors.MethodNotAllowed,
        exceptions.NotAcceptable: errors.NotAcceptable,
        exceptions.UnsupportedMediaType: errors.UnsupportedMediaType,
    }
    for framework, ours in known.items():
        if isinstance(error, framework):
            return ours(detail)
    if isinstance(error, exceptions.Throttled):
        return errors.QuotaExceeded(detail, retry_after=getattr(error, "wait", None))
    return errors.BadRequest(detail) if 400 <= error.status_code < 500 else None


def _from_database(error: Exception) -> DomainError | None:
    cause = error.__cause__
    if isinstance(cause, _CONTENTION):
        return OverloadedError("Another request holds what this one needs. Send it again.", retry_after=1)
    if isinstance(cause, _BEHIND):
        _log.error("api.schema_behind", error=type(cause).__name__)
        return errors.Unavailable("Your company's data is being upgraded. Send the request again.", retry_after=30)
    if isinstance(error, DataError):
        return InvalidInput("A value is out of the range that can be stored.")
    if isinstance(error, IntegrityError):
        _log.error("api.integrity_error", constraint=_constraint(cause))
        return Conflict("The request contradicts what is stored by now. Read the resource again, then decide.")
    if isinstance(error, OperationalError | InterfaceError) or _is_cut():
        _log.error("api.database_away", error=type(cause or error).__name__)
        return errors.Unavailable("The database cannot be reached. Send the request again.", retry_after=5)
    return None


def _is_cut() -> bool:
    """Whether there is no connection (any more), whatever Django makes of that.

    Of one that breaks while it is made it says that PostgreSQL 0.0 is not supported.
    """
    return connection.connection is None or connection.connection.closed


def _constraint(cause: BaseException | None) -> str:
    return str(cause.diag.constraint_name) if isinstance(cause, psycopg.Error) else ""


def flatten(detail: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """DRF's nested error details as pairs of JSON pointer (RFC 6901) and sentence."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from flatten(inner, pointer if name == _NON_FIELD else pointer_to(pointer, name))
    elif isinstance(detail, list | tuple):
        nested = any(isinstance(inner, Mapping | list | tuple) for inner in detail)
        for index, inner in enumerate(detail):
            yield from flatten(inner, pointer_to(pointer, index) if nested else pointer)
    else:
        yield pointer, str(detail)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook: the response for an error raised in a view. None lets an unexpected one go on to `handler500`."""
    told = domain_error(error)
    if told is None:
        return None
    request = context["request"]
    return Response(
        problem(told, instance=escape_uri_path(request.path)),
        status=told.status,
        headers=_headers(told, error),
        content_type=CONTENT_TYPE,
    )


def problem_response(request: HttpRequest, error: DomainError) -> JsonResponse:
    """The problem document as a plain Django response, for what happens outside of DRF's views."""
    return JsonResponse(
        problem(error, instance=escape_uri_path(request.path)),
        status=error.status,
        content_type=CONTENT_TYPE,
        headers=_headers(error, error),
    )


def internal_error() -> errors.InternalError:
    """The error that tells nothing of what happened but the request's id, under which the log tells all."""
    known = request_id()
    return errors.InternalError(
        "It has been logged. If it happens again, tell our support staff the request_id.",
        extra={"request_id": known} if known else {},
    )


def _headers(told: DomainError, raised: BaseException) -> dict[str, str]:
    headers = dict(problem_headers(told))
    if told.status == 401:
        headers["WWW-Authenticate"] = getattr(raised, "auth_header", None) or 'Bearer realm="api"'
    return headers
