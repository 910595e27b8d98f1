"""From the request's host to the tenant: the first check of isolation."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port
from django.urls import set_urlconf

from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef, tenant_by_host
from tenants.registry.models import TenantStatus
from wildrydes.kernel.errors import DomainError, Forbidden, NotFound
from wildrydes.kernel.problems import CONTENT_TYPE, problem, problem_headers


class UnknownHost(NotFound):
    """Nobody is served at this address; a tenant that is being onboarded is not served yet."""

    code = "unknown-host"
    title = "No company is served at this address"


class TenantSuspended(Forbidden):
    """The tenant is suspended: nothing new is admitted."""

    code = "tenant-suspended"
    title = "This company's account is suspended"


class TenantMiddleware:
    """Enters the schema of the tenant named by the host and chooses the URL configuration; `request.tenant` is its snapshot.

    On the public domain there is no such attribute: django-tenants' admin templates ask whether it is there.
    The public domain gets the console; everything else that is not an active tenant's is refused here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request inside the right schema."""
        try:
            host = split_domain_port(request.get_host())[0].rstrip(".")
        except DisallowedHost:
            return self._refuse(request, UnknownHost("The Host header is not a host name."))
        if host in (settings.PUBLIC_DOMAIN, "127.0.0.1", "[::1]"):
            return self._serve_public(request)
        tenant = tenant_by_host(host)
        if tenant is None or not tenant.is_working:
            return self._refuse(
                request, UnknownHost(f"Nobody is served at {host}. Check the address your company gave you.")
            )
        if tenant.status == TenantStatus.SUSPENDED:
            return self._refuse(
                request, TenantSuspended("Ask your company's administrator; they can reach our support staff.")
            )
        return self._serve_tenant(request, tenant)

    def _serve_public(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
        set_urlconf(settings.PUBLIC_SCHEMA_URLCONF)
        with enter_public():
            return self._get_response(request)

    def _serve_tenant(self, request: HttpRequest, tenant: TenantRef) -> HttpResponse:
        request.tenant = tenant  # type: ignore[attr-defined]
        with enter_tenant(tenant):
            return self._get_response(request)

    @staticmethod
    def _refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
        structlog.get_logger().info("request.refused", reason=error.code)
        return JsonResponse(
            problem(error, instance=request.path),
            status=error.status,
            content_type=CONTENT_TYPE,
            headers=problem_headers(error),
        )
