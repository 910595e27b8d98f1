"""Who is asking at the fleet's endpoints."""

from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from fleet.principal import Speaker
from fleet.tokens import InvalidFleetToken, read_token


class FleetAuthentication(BaseAuthentication):
    """Takes `Authorization: Bearer <fleet token>`; a tenant's token is refused like any other that is not the fleet's."""

    def authenticate(self, request: Request) -> tuple[Speaker, None] | None:
        """The speaker; None when no bearer token is sent.

        Raises:
            AuthenticationFailed: when the token is not valid here.
        """
        scheme, _, text = str(request.META.get("HTTP_AUTHORIZATION", "")).strip(" ").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return read_token(text.strip(" ")), None
        except InvalidFleetToken:
            raise AuthenticationFailed(
                "The fleet token is not valid or has expired; get one from POST /api/fleet/v1/token."
            ) from None

    def authenticate_header(self, request: HttpRequest | Request) -> str:
        """The challenge."""
        return 'Bearer realm="fleet"'


class FleetScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself by being defined
    """How the OpenAPI document speaks of it."""

    target_class = FleetAuthentication
    name = "fleetToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The scheme's definition."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
