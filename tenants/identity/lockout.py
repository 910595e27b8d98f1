"""What django-axes needs to know about logging in to the console."""

from typing import Any

from axes.helpers import get_cool_off, get_failure_limit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """What somebody reads who has failed to log in to the console too often; `429` with an honest `Retry-After`."""
    seconds = int(get_cool_off(request).total_seconds())
    context = {"failure_limit": get_failure_limit(request, credentials), "cooloff_minutes": -(-seconds // 60)}
    response = render(request, "identity/locked_out.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response


def login_name(request: HttpRequest, credentials: Any = None) -> str:
    """Under which name an attempt is counted: the address in lower case, or each spelling would have attempts of its own."""
    given = credentials if credentials else request.POST
    return str(given.get("username") or "").strip().lower()
