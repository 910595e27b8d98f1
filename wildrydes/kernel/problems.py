"""Problem documents (RFC 9457): what every error looks like to a client."""

import math
from collections.abc import Mapping
from typing import Any

from wildrydes.kernel.errors import DomainError

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "https://docs.wildrydes.example/problems/"


def problem(error: DomainError, *, instance: str = "") -> dict[str, Any]:
    """The members of the document for `error`; `instance` is the request's path."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if instance:
        body["instance"] = instance
    if error.errors:
        body["errors"] = error.errors
    return body | error.extra


def problem_headers(error: DomainError) -> Mapping[str, str]:
    """Headers that go with it: `Retry-After` in whole seconds (RFC 9110, 10.2.3), rounded up so that it stays honest."""
    return {} if error.retry_after is None else {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
