"""What loyalty reacts to. The ride does not wait for any of it."""

from bookings.events import BookingCancelled, BookingConfirmed
from loyalty import services
from messaging.messages import Envelope, Obsolete
from tenants.registry.context import current_tenant


def booking_confirmed(message: Envelope[BookingConfirmed]) -> Obsolete | None:
    """Give points, where the company takes part."""
    if not current_tenant().features.get("loyalty", True):
        return Obsolete("The company does not take part.")
    body = message.body
    given = services.award_points(user_id=body.user_id, booking_id=body.booking_id, fare_minor=body.fare_minor)
    return None if given else Obsolete("The ride's points were given or taken back before.")


def booking_cancelled(message: Envelope[BookingCancelled]) -> Obsolete | None:
    """Take them back, also when the company has left the programme since; a ride never confirmed earned none."""
    body = message.body
    if not body.was_confirmed:
        return Obsolete("The ride earned no points.")
    taken = services.take_back_points(user_id=body.user_id, booking_id=body.booking_id)
    return None if taken else Obsolete("The ride's points were taken back before.")
