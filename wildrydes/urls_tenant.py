"""A tenant's host: the API."""

from django.urls import URLPattern, URLResolver, include, path

from api.documents import documentation, schema_document

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("api.urls")),
    path("api/schema", schema_document, name="schema"),
    path("api/docs", documentation, name="docs"),
]

handler400 = "api.error_views.bad_request"
handler403 = "api.error_views.permission_denied"
handler404 = "api.error_views.page_not_found"
handler500 = "api.error_views.server_error"
