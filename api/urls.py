"""What this app serves on tenants' hosts, below `/api/v1/`."""

from django.urls import include, path

urlpatterns = [
    path("", include("api.operations.urls")),
]
