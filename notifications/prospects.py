"""What pushing an event to the company's endpoint would come to now."""

from bookings.events import BookingEvent
from messaging.messages import Envelope
from messaging.prospects import cannot_tell, nothing_due, would
from messaging.topology import Prospect
from notifications.models import Endpoint, EndpointState, Push, PushState
from wildrydes.kernel.http import OutboundRefused, origin_of


def of_push(message: Envelope[BookingEvent]) -> Prospect:
    """Of every event that is pushed. Of the endpoint's address only the host is told: its path may be a secret."""
    endpoint = Endpoint.objects.first()
    if endpoint is None:
        return nothing_due("The company has no webhook endpoint.")
    if endpoint.state == EndpointState.DISABLED:
        return nothing_due("The company's webhook endpoint is disabled.")
    if Push.objects.filter(id=message.id, state=PushState.DELIVERED).exists():
        return nothing_due("The endpoint has taken this message already.")
    try:
        return would(f"POST to {origin_of(endpoint.url)}.")
    except OutboundRefused:
        return cannot_tell("The endpoint's address may not be called; it would be given up again.")
