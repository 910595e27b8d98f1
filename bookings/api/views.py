"""Booking, reading and cancelling rides."""

from uuid import UUID

from django.db import transaction
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from api.admission import admit_work
from api.correlation import correlation_id
from api.idempotency import idempotent
from api.pagination import paginate
from api.responses import accepted
from api.serializers import read_query
from api.views import ApiView
from bookings import services
from bookings.api.documents import cancel_docs, create_docs, detail_docs, list_docs
from bookings.api.serializers import BookingQuery, BookingRequest, ride_request
from bookings.presentation import ride
from bookings.selectors import booking_for, filtered, visible_bookings


class BookingList(ApiView):
    """The rides that the caller may see, and where new ones are asked for."""

    answers_replays = True

    @list_docs
    def get(self, request: Request) -> Response:
        """A page of bookings, newest first."""
        query = read_query(request, BookingQuery)
        given = {name: query.get(name) for name in ("state", "pickup_from", "pickup_to", "reference")}
        return paginate(request, filtered(visible_bookings(self.principal), **given), query, ride)

    @create_docs
    def post(self, request: Request) -> HttpResponseBase:
        """Book a ride. The answer comes at once; follow the operation to the ride."""

        def book() -> Response:
            admit_work(self.tenant)
            body = BookingRequest(data=request.data)
            body.is_valid(raise_exception=True)
            _, operation = services.request_booking(
                user_id=self.principal.user_id,
                wanted=ride_request(body.validated_data),
                correlation_id=correlation_id(),
            )
            return accepted(operation, request)

        return idempotent(request, book)


class BookingDetail(ApiView):
    """One ride."""

    @detail_docs
    def get(self, request: Request, booking_id: UUID) -> Response:
        """Where it stands."""
        return Response(ride(booking_for(self.principal, booking_id)))


class BookingCancellation(ApiView):
    """The cancellation of one ride."""

    @cancel_docs
    def post(self, request: Request, booking_id: UUID) -> Response:
        """Call it off before the pick-up. The fare goes back, less a late ride's fee. Asking twice answers the same operation."""
        booking = booking_for(self.principal, booking_id)
        with transaction.atomic():
            operation = services.cancel_booking(booking_id=booking.id, correlation_id=correlation_id())
        return accepted(operation, request)
