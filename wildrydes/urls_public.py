"""The public host: the console for support staff, the fleet's API, keys, health."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from tenants.identity.api.jwks import jwks

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index", http_method_names=["get", "head"]), name="home"),
    path("admin/second-factor/", include("tenants.staff.urls")),
    path("admin/", admin.site.urls),
    path("api/fleet/v1/", include("fleet.api.urls")),
    path("api/fleet/v1/", include("rfq.fleet_api.urls")),
    path("api/webhooks/payments/", include("payments.webhooks.urls")),
    path(".well-known/jwks.json", jwks),
]

handler400 = "api.error_views.bad_request"
handler403 = "api.error_views.permission_denied"
handler404 = "api.error_views.page_not_found"
handler500 = "api.error_views.server_error"
