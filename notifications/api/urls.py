"""Under `/api/v1/`."""

from django.urls import path

from notifications.api.views import WebhookDeliveries, WebhookEndpoint, WebhookSecret

urlpatterns = [
    path("webhook", WebhookEndpoint.as_view(), name="webhook"),
    path("webhook/secret", WebhookSecret.as_view(), name="webhook-secret"),
    path("webhook/deliveries", WebhookDeliveries.as_view(), name="webhook-deliveries"),
]
