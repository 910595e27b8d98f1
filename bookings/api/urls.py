"""Under `/api/v1/`."""

from django.urls import path

from bookings.api.offers import RfqAcceptance
from bookings.api.views import BookingCancellation, BookingDetail, BookingList

urlpatterns = [
    path("bookings", BookingList.as_view(), name="bookings"),
    path("bookings/<uuid:booking_id>", BookingDetail.as_view(), name="booking"),
    path("bookings/<uuid:booking_id>/cancellation", BookingCancellation.as_view(), name="booking-cancellation"),
    path("rfqs/<uuid:rfq_id>/acceptance", RfqAcceptance.as_view(), name="rfq-acceptance"),
]
