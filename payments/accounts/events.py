"""The commands that accounts send."""

from typing import ClassVar
from uuid import UUID

from messaging.messages import Command


class SubscribeToProvider(Command, frozen=True, kw_only=True):
    """Tell the provider where to notify an account."""

    topic: ClassVar[str] = "payments.subscribe"
    account_id: UUID
