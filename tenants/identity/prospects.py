"""What handling an invitation's message would come to now."""

from messaging.errors import Reject
from messaging.messages import Envelope
from messaging.prospects import cannot_tell, nothing_due, would
from messaging.topology import Prospect
from tenants.identity.events import SendInvitation
from tenants.identity.handlers import open_invitation


def of_invitation(message: Envelope[SendInvitation]) -> Prospect:
    """Of `identity.send_invitation`; whom it invites is not told."""
    try:
        invitation = open_invitation(message.body)
    except Reject as error:
        return cannot_tell(str(error))
    if invitation is None:
        return nothing_due("The invitation was accepted, replaced or has expired, or its user is not active any more.")
    return would("The invitation would be mailed.")
