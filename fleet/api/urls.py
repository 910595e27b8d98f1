"""Under `/api/fleet/v1/`, on the public host."""

from django.urls import path

from fleet.api.views import FleetToken, FleetWebhook, Positions

urlpatterns = [
    path("token", FleetToken.as_view(), name="fleet-token"),
    path("positions", Positions.as_view(), name="fleet-positions"),
    path("webhook", FleetWebhook.as_view(), name="fleet-webhook"),
]
