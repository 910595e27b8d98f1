"""What can be done with users, their logins and invitations. All of it in the entered tenant's schema."""

from tenants.identity.services.housekeeping import delete_expired_sessions, delete_expired_sessions_everywhere
from tenants.identity.services.invitations import accept_invitation, invite_user
from tenants.identity.services.sessions import (
    TokenPair,
    issue_tokens,
    log_in,
    log_out,
    refresh_tokens,
    revoke_all,
)
from tenants.identity.services.users import change_password, create_user, update_user

__all__ = [
    "TokenPair",
    "accept_invitation",
    "change_password",
    "create_user",
    "delete_expired_sessions",
    "delete_expired_sessions_everywhere",
    "invite_user",
    "issue_tokens",
    "log_in",
    "log_out",
    "refresh_tokens",
    "revoke_all",
    "update_user",
]
