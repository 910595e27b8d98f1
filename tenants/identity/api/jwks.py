"""The public keys, for everybody who wants to verify our tokens (RFC 7517)."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from api.errors import MethodNotAllowed
from api.problems import problem_response
from tenants.registry.keys import JWKS_MAX_AGE, published_keys

_METHODS = ("GET", "HEAD")


def jwks(request: HttpRequest) -> HttpResponse:
    """`/.well-known/jwks.json`: a new key is in it for longer than anybody may cache it before it signs."""
    if request.method not in _METHODS:
        refusal = problem_response(request, MethodNotAllowed("The key set can only be read."))
        refusal["Allow"] = ", ".join(_METHODS)
        return refusal
    return JsonResponse(
        {"keys": published_keys()},
        content_type="application/jwk-set+json",
        headers={
            "Cache-Control": f"public, max-age={int(JWKS_MAX_AGE.total_seconds())}",
            "Access-Control-Allow-Origin": "*",
        },
    )
