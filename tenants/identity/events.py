"""What identity sends and publishes."""

from typing import ClassVar
from uuid import UUID

from messaging.messages import Command, Event


class SendInvitation(Command, frozen=True, kw_only=True):
    """Mail an invitation's link. The token in it travels sealed: the journal gives no link away."""

    topic: ClassVar[str] = "identity.send_invitation"

    invitation_id: UUID
    sealed_token: str


class UserProvisioned(Event, frozen=True, kw_only=True):
    """A user was created in the tenant, invited or with a password."""

    topic: ClassVar[str] = "user.provisioned"

    user_id: UUID
