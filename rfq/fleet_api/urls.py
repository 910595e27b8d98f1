"""Under `/api/fleet/v1/`, on the public host."""

from django.urls import path

from rfq.fleet_api.views import FleetAnswers, FleetRequest, FleetRequests

urlpatterns = [
    path("requests", FleetRequests.as_view(), name="fleet-requests"),
    path("requests/<uuid:correlation_id>", FleetRequest.as_view(), name="fleet-request"),
    path("answers", FleetAnswers.as_view(), name="fleet-answers"),
]
