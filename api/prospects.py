"""What handling the API's messages would come to now."""

from api.events import ExpireOperation
from api.models import Operation
from messaging.messages import Envelope
from messaging.prospects import nothing_due, would
from messaging.topology import Prospect


def of_expiry(message: Envelope[ExpireOperation]) -> Prospect:
    """Of `operation.expire`."""
    operation = Operation.objects.filter(id=message.body.operation_id).first()
    if operation is None:
        return nothing_due("The operation does not exist any more.")
    if operation.is_final:
        return nothing_due(f"The operation has ended as {operation.status}.")
    return would("The operation is still open and would end as expired.")
