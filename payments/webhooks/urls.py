"""Where providers notify us, on the public host."""

from django.urls import path

from payments.webhooks.views import notified

urlpatterns = [path("<str:provider>/<str:account_id>", notified, name="payment-notification")]
