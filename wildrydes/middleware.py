"""Middleware of the whole site.

The API does without sessions, cookies and messages, which cost two fifths of a request; they run on the console's paths only.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from axes.middleware import AxesMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.log import log_response
from whitenoise.middleware import WhiteNoiseMiddleware

from wildrydes.kernel.ids import new_id

CONSOLE_PREFIXES = ("/admin/", "/invitations/")
# Answers that never have content, and no length of it either (RFC 9110, 8.6).
_WITHOUT_CONTENT = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class CorrelationMiddleware:
    """Gives each request an id, echoed as `X-Request-Id` and on every log line; a client's own is kept when it is harmless.

    The correlation id, on every line too, is what this request sets in motion will carry: the same when it is a UUID.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the id for the time of the request."""
        offered = request.headers.get("X-Request-Id", "")
        request_id = offered if _CORRELATION_ID.match(offered) else str(new_id())
        with structlog.contextvars.bound_contextvars(request_id=request_id, correlation_id=_correlation_id(request_id)):
            response = self._get_response(request)
            _tell(request, response)
        response["X-Request-Id"] = request_id
        if not response.streaming and response.status_code not in _WITHOUT_CONTENT:
            response.setdefault("Content-Length", str(len(response.content)))
        return response


def _tell(request: HttpRequest, response: HttpResponse) -> None:
    """Django's own line about an answer that is an error, while it is known whose request it was."""
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return
    tenant = getattr(request, "tenant", None)
    with structlog.contextvars.bound_contextvars(**({"tenant": tenant.slug} if tenant else {})):
        log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)


def _correlation_id(request_id: str) -> str:
    try:
        return str(UUID(request_id))
    except ValueError:
        return str(new_id())


class _ConsoleOnly:
    """Lets a middleware see the console's paths only; on all others it is not there."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(CONSOLE_PREFIXES):
            return super().__call__(request)  # type: ignore[misc]  # the mixed-in middleware's own
        return self.get_response(request)


class ConsoleSessionMiddleware(_ConsoleOnly, SessionMiddleware):
    """Sessions for the console."""


class ConsoleCsrfMiddleware(_ConsoleOnly, CsrfViewMiddleware):
    """CSRF protection for the console; the API takes no cookies, so nothing can be forged there."""

    def process_view(self, request: HttpRequest, callback: Any, callback_args: Any, callback_kwargs: Any) -> Any:
        """Check the token on the console's paths."""
        if not request.path_info.startswith(CONSOLE_PREFIXES):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


class ConsoleAuthenticationMiddleware(_ConsoleOnly, AuthenticationMiddleware):
    """The member of staff who is logged in."""


class ConsoleMessageMiddleware(_ConsoleOnly, MessageMiddleware):
    """One-time notices in the console."""


class ConsoleAxesMiddleware(_ConsoleOnly, AxesMiddleware):
    """Stops guessing of staff passwords."""


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Serves static files of the console and the API's pages on every host."""
