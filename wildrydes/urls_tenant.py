"""A tenant's host: the API."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from api.documents import documentation, schema_document
from tenants.identity.api.jwks import jwks
from tenants.identity.pages import InvitationPage

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="docs", http_method_names=["get", "head"]), name="home"),
    path("api/v1/", include("api.urls")),
    path("api/v1/", include("bookings.api.urls")),
    path("api/v1/", include("rfq.api.urls")),
    path("api/v1/", include("loyalty.api.urls")),
    path("api/v1/", include("notifications.api.urls")),
    path("api/schema", schema_document, name="schema"),
    path("api/v1/", include("tenants.identity.api.urls")),
    path("api/docs", documentation, name="docs"),
    path(".well-known/jwks.json", jwks),
    path("invitations/<str:token>/", InvitationPage.as_view(), name="invitation"),
]

handler400 = "api.error_views.bad_request"
handler403 = "api.error_views.permission_denied"
handler404 = "api.error_views.page_not_found"
handler500 = "api.error_views.server_error"
