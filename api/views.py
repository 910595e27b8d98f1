"""The base of every endpoint."""

from typing import Any

import structlog
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.parsing import JSONOnly, StrictJSONParser, check_body_length
from api.principal import Principal, principal_of
from api.quota import Quota, quota_meter
from api.responses import honour_prefer
from tenants.registry.directory import TenantRef
from wildrydes.kernel.errors import Forbidden

_log = structlog.get_logger(__name__)


class ApiView(APIView):
    """Strict JSON in, JSON or problem documents out; the caller's token must be the host's tenant's; the quota is charged.

    Subclasses have one method per HTTP method that translates, makes one call into services or selectors, and translates back.
    `self.tenant` is the tenant, `request.user` the `Principal`.
    """

    parser_classes = [StrictJSONParser]
    content_negotiation_class = JSONOnly
    # `OPTIONS` tells the methods and nothing about the view's insides.
    metadata_class = None
    # Set by views whose POST replays stored answers: an exhausted quota then refuses only what is not a replay.
    answers_replays = False

    @property
    def tenant(self) -> TenantRef:
        """The tenant whose host was called."""
        tenant: TenantRef = self.request.tenant  # type: ignore[attr-defined]  # set by the middleware
        return tenant

    @property
    def principal(self) -> Principal:
        """Who is asking."""
        return principal_of(self.request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """What happens before any method.

        Raises:
            DomainError: unauthenticated, another tenant's token, a body that cannot be read, quota used up.
        """
        super().initial(request, *args, **kwargs)
        if isinstance(request.user, Principal) and request.user.tenant_id != self.tenant.id:
            raise Forbidden("Your access token is for another company's address.")
        check_body_length(request)

    def check_throttles(self, request: Request) -> None:
        """Charge the tenant's quota.

        Raises:
            QuotaExceeded: at once, or later by `idempotent` when the view answers replays.
        """
        if not isinstance(request.user, Principal):
            return
        quota = quota_meter().charge(self.tenant)
        request.quota = quota  # type: ignore[attr-defined]  # read again for the headers
        error = quota.error()
        if error is None:
            return
        if self.answers_replays and request.method == "POST":
            request.quota_error = error  # type: ignore[attr-defined]
            return
        raise error

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]  # no body
        """The methods this resource knows, in `Allow`."""
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """What happens after any method, when its transaction is over."""
        try:
            honour_prefer(request, response)
        except Exception as error:  # noqa: BLE001  # whatever befell the wait: it was accepted, and that is the answer
            _log.warning("api.wait_failed", error=type(error).__name__)
        final: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        quota: Quota | None = getattr(request, "quota", None)
        if quota is not None:
            for name, value in quota.headers.items():
                final[name] = value
        if isinstance(final, Response) and not final.has_header("Cache-Control"):
            final["Cache-Control"] = "no-store"
        return final
