"""What a ride that came of an offer tells its request for quotes."""

from bookings.events import BookingFailed
from messaging.messages import Envelope, Obsolete
from messaging.prospects import nothing_due, would
from messaging.topology import Prospect
from rfq.models import Rfq
from rfq.services import reopen_for


def booking_failed(message: Envelope[BookingFailed]) -> Obsolete | None:
    """The other offers, and this one, may be accepted again for as long as they stand."""
    reopened = reopen_for(booking_id=message.body.booking_id)
    return None if reopened else Obsolete("The ride came of no offer.")


def of_failure(message: Envelope[BookingFailed]) -> Prospect:
    """Of `booking.failed`, for the request that the ride came of."""
    if not Rfq.objects.filter(booking_id=message.body.booking_id).exists():
        return nothing_due("The ride came of no request for quotes.")
    return would("The request's offers could be accepted again.")
