"""From the `Authorization` header to the `Principal`, without the database (RFC 6750)."""

from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from api.principal import Principal
from tenants.identity.tokens import AccessClaims, AccessToken, read_confidential
from wildrydes.kernel.errors import Forbidden


class TokenOfAnotherTenant(Forbidden):
    """The token is good, but for another company's address."""

    code = "token-of-another-tenant"
    title = "This access token belongs to another company"


class AccessTokenAuthentication(BaseAuthentication):
    """Takes `Authorization: Bearer <access token>`; no other place, no other scheme."""

    def authenticate(self, request: Request) -> tuple[Principal, AccessClaims] | None:
        """The caller and the token's claims; None when no bearer token is sent.

        Raises:
            AuthenticationFailed: when the token is not valid, with a `WWW-Authenticate` that says so.
            TokenOfAnotherTenant: when it is not the host's tenant's.
        """
        scheme, _, text = str(request.META.get("HTTP_AUTHORIZATION", "")).strip(" ").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            claims = AccessToken(text.strip(" ")).claims  # type: ignore[arg-type]  # the stock class takes text or a token
            confidential = read_confidential(claims)
        except ExpiredTokenError:
            raise _invalid(request, "The access token has expired; refresh it.") from None
        except TokenError:
            raise _invalid(request, "The access token is not valid; log in again.") from None
        tenant = getattr(request, "tenant", None)
        if tenant is None or tenant.id != claims.tid:
            raise TokenOfAnotherTenant("Use it at the address of the company that it was issued for.")
        principal = Principal(
            user_id=claims.sub,
            tenant_id=claims.tid,
            role=claims.roles[0],
            name=claims.name,
            email=confidential.email,
            features=claims.features,
        )
        return principal, claims

    def authenticate_header(self, request: HttpRequest | Request) -> str:
        """The challenge: with `error` only when a token was sent (RFC 6750, 3.1)."""
        said = getattr(request, "_access_token_error", "")
        return 'Bearer realm="api"' + (f', error="invalid_token", error_description="{said}"' if said else "")


def _invalid(request: Request, detail: str) -> AuthenticationFailed:
    request._access_token_error = detail  # type: ignore[attr-defined]  # noqa: SLF001  # for the challenge, which DRF asks for later
    return AuthenticationFailed(detail)


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself by being defined
    """How the OpenAPI document speaks of it."""

    target_class = AccessTokenAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The scheme's definition."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token from `POST /api/v1/auth/token`, good for ten minutes.",
        }
