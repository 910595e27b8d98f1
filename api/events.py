"""What the API publishes and asks for."""

from typing import ClassVar
from uuid import UUID

from messaging.messages import Command, Event


class OperationCancelRequested(Event, frozen=True, kw_only=True):
    """A client asked to cancel an operation; its owner decides whether that is still possible."""

    topic: ClassVar[str] = "operation.cancel_requested"

    operation_id: UUID
    kind: str
    resource_id: UUID
    user_id: UUID


class ExpireOperation(Command, frozen=True, kw_only=True):
    """End the operation if it is still open: the net under the deadline that its owner keeps."""

    topic: ClassVar[str] = "operation.expire"

    operation_id: UUID
