"""Every route of a tenant's host, found in the URL configuration, and an example of how to call it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from tests.isolation.world import Possessions

METHODS = ("get", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class Access(Enum):
    """What lets a caller in."""

    TOKEN = "an access token"
    CREDENTIAL = "a credential in the path or body"
    PUBLIC = "nothing: it holds nothing of a tenant's"


@dataclass(frozen=True)
class Example:
    """One call. Braces in `path`'s parameters and in the body's texts are filled from what a tenant possesses."""

    access: Access = Access.TOKEN
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body_with(self, possessions: Possessions) -> dict[str, Any] | None:
        """The body, with one tenant's credentials."""
        return None if self.body is None else _filled(self.body, possessions)


def _filled(value: Any, possessions: Possessions) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, possessions) for name, inner in value.items()}
    return value.format(**possessions.texts) if isinstance(value, str) else value


def path_with(route: str, possessions: Possessions) -> str:
    """The route's path, with one tenant's ids in it."""
    return "/" + _PARAMETER.sub(lambda match: possessions.texts[match[1]], route)


def has_parameters(route: str) -> bool:
    """Whether the path names a thing by its id or token."""
    return bool(_PARAMETER.search(route))


def every_route() -> Iterator[tuple[str, str]]:
    """All (route, method) pairs of the tenants' URL configuration."""
    for pattern, route in _walk(get_resolver(settings.ROOT_URLCONF), ""):
        for method in _methods(pattern.callback):
            yield route, method


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[URLPattern, str]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, route)
        else:
            yield entry, route


def _methods(callback: Any) -> list[str]:
    view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    if view is None:
        return ["get"]
    allowed = (getattr(callback, "view_initkwargs", None) or {}).get("http_method_names", METHODS)
    return [method for method in METHODS if method in allowed and hasattr(view, method)]


_RIDE = {
    "pickup": {"latitude": 36.1147, "longitude": -115.1728},
    "dropoff": {"latitude": 36.12, "longitude": -115.2},
    "passengers": 1,
}
_KEY = {"Idempotency-Key": "isolation"}
_LOGIN = {"email": "{email}", "password": "{password}"}

EXAMPLES: dict[tuple[str, str], Example] = {
    ("", "get"): Example(Access.PUBLIC),
    (".well-known/jwks.json", "get"): Example(Access.PUBLIC),
    ("api/docs", "get"): Example(Access.PUBLIC),
    ("api/schema", "get"): Example(Access.PUBLIC),
    ("api/v1/auth/invitations/accept", "post"): Example(
        Access.CREDENTIAL, {"token": "{token}", "password": "a new long password"}
    ),
    ("api/v1/auth/logout", "post"): Example(Access.CREDENTIAL, {"refresh": "{refresh}"}),
    ("api/v1/auth/token", "post"): Example(Access.CREDENTIAL, _LOGIN),
    ("api/v1/auth/token/refresh", "post"): Example(Access.CREDENTIAL, {"refresh": "{refresh}"}),
    ("api/v1/bookings", "get"): Example(),
    ("api/v1/bookings", "post"): Example(body=_RIDE, headers=_KEY),
    ("api/v1/bookings/<uuid:booking_id>", "get"): Example(),
    ("api/v1/bookings/<uuid:booking_id>/cancellation", "post"): Example(),
    ("api/v1/loyalty", "get"): Example(),
    ("api/v1/me", "get"): Example(),
    ("api/v1/me/password", "post"): Example(body={"current_password": "{password}", "password": "a new long password"}),
    ("api/v1/operations", "get"): Example(),
    ("api/v1/operations/<uuid:operation_id>", "get"): Example(),
    ("api/v1/operations/<uuid:operation_id>", "delete"): Example(),
    ("api/v1/rfq-policy", "get"): Example(),
    ("api/v1/rfq-policy", "put"): Example(
        body={"strategy": "cheapest", "weights": {"price": 1, "arrival": 1, "extras": 1}}
    ),
    ("api/v1/rfqs", "get"): Example(),
    ("api/v1/rfqs", "post"): Example(body=_RIDE, headers=_KEY),
    ("api/v1/rfqs/<uuid:rfq_id>", "get"): Example(),
    ("api/v1/rfqs/<uuid:rfq_id>/acceptance", "post"): Example(body={"offer_id": "{offer_id}"}, headers=_KEY),
    ("api/v1/rfqs/<uuid:rfq_id>/explanation", "get"): Example(),
    ("api/v1/rfqs/<uuid:rfq_id>/withdrawal", "post"): Example(),
    ("api/v1/users", "get"): Example(),
    ("api/v1/users", "post"): Example(body={"email": "guest@isolation.example"}),
    ("api/v1/users/<uuid:user_id>", "get"): Example(),
    ("api/v1/users/<uuid:user_id>", "patch"): Example(body={"name": "Taken over"}),
    ("api/v1/webhook", "get"): Example(),
    ("api/v1/webhook", "put"): Example(body={"url": "https://192.0.46.8/rides"}),
    ("api/v1/webhook", "delete"): Example(),
    ("api/v1/webhook/deliveries", "get"): Example(),
    ("api/v1/webhook/secret", "post"): Example(),
    ("invitations/<str:token>/", "get"): Example(Access.CREDENTIAL),
    ("invitations/<str:token>/", "post"): Example(Access.CREDENTIAL),
}
