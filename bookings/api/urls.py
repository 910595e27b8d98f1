"""Under `/api/v1/`."""

from django.urls import path

from bookings.api.views import BookingCancellation, BookingDetail, BookingList

urlpatterns = [
    path("bookings", BookingList.as_view(), name="bookings"),
    path("bookings/<uuid:booking_id>", BookingDetail.as_view(), name="booking"),
    path("bookings/<uuid:booking_id>/cancellation", BookingCancellation.as_view(), name="booking-cancellation"),
]
