"""What the API does when told: ending operations that nobody ended."""

from api.events import ExpireOperation
from api.services import expire_operation
from messaging.messages import Envelope, Obsolete
from messaging.topology import DeadCause


def on_expire_operation(message: Envelope[ExpireOperation]) -> Obsolete | None:
    """The grace after the deadline is over."""
    ended = expire_operation(operation_id=message.body.operation_id)
    return None if ended else Obsolete("The operation had ended.")


def on_expire_operation_dead(message: Envelope[ExpireOperation], cause: DeadCause) -> None:
    """The outcome is the same when the message is given up."""
    expire_operation(operation_id=message.body.operation_id)
