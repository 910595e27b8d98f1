"""The page for somebody who has failed to log in to the console too often."""

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
