"""What handling the ride's events would do to points now."""

from bookings.events import BookingCancelled, BookingConfirmed
from loyalty.domain import points_for
from loyalty.models import Entry, EntryKind
from messaging.messages import Envelope
from messaging.prospects import nothing_due, would
from messaging.topology import Prospect
from tenants.registry.context import current_tenant


def of_confirmation(message: Envelope[BookingConfirmed]) -> Prospect:
    """Of `booking.confirmed`."""
    if not current_tenant().features.get("loyalty", True):
        return nothing_due("The company takes no part in the loyalty programme.")
    if Entry.objects.filter(booking_id=message.body.booking_id).exists():
        return nothing_due("The ride's points are in the account already, or were taken back.")
    return would(f"{points_for(message.body.fare_minor)} points would be given.")


def of_cancellation(message: Envelope[BookingCancelled]) -> Prospect:
    """Of `booking.cancelled`."""
    if not message.body.was_confirmed:
        return nothing_due("The ride was never confirmed and earned no points.")
    entries = {entry.kind: entry for entry in Entry.objects.filter(booking_id=message.body.booking_id)}
    if EntryKind.TAKEN_BACK in entries:
        return nothing_due("The ride's points were taken back already.")
    earned = entries.get(EntryKind.EARNED)
    return would(f"{earned.points if earned else 0} points would be taken back.")
