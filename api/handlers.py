"""What the API does when told: ending operations that nobody ended."""

from api.events import ExpireOperation
from api.services import expire_operation
from messaging.messages import Envelope
from messaging.topology import DeadCause


def on_expire_operation(message: Envelope[ExpireOperation]) -> None:
    """The grace after the deadline is over."""
    expire_operation(operation_id=message.body.operation_id)


def on_expire_operation_dead(message: Envelope[ExpireOperation], cause: DeadCause) -> None:
    """The outcome is the same when the message is given up."""
    expire_operation(operation_id=message.body.operation_id)
