"""What identity publishes."""

from typing import ClassVar
from uuid import UUID

from messaging.messages import Event


class UserProvisioned(Event, frozen=True, kw_only=True):
    """A user was created in the tenant, invited or with a password."""

    topic: ClassVar[str] = "user.provisioned"

    user_id: UUID
