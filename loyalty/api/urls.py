"""Under `/api/v1/`."""

from django.urls import path

from loyalty.api.views import LoyaltyAccount

urlpatterns = [path("loyalty", LoyaltyAccount.as_view(), name="loyalty")]
