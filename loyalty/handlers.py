"""What loyalty reacts to. The ride does not wait for any of it."""

from bookings.events import BookingCancelled, BookingConfirmed
from loyalty import services
from messaging.messages import Envelope
from tenants.registry.context import current_tenant


def booking_confirmed(message: Envelope[BookingConfirmed]) -> None:
    """Give points, where the company takes part."""
    if current_tenant().features.get("loyalty", True):
        body = message.body
        services.award_points(user_id=body.user_id, booking_id=body.booking_id, fare_minor=body.fare_minor)


def booking_cancelled(message: Envelope[BookingCancelled]) -> None:
    """Take them back, also when the company has left the programme since; a ride never confirmed earned none."""
    if message.body.was_confirmed:
        services.take_back_points(user_id=message.body.user_id, booking_id=message.body.booking_id)
