"""Reading users and invitations of the entered tenant."""

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from tenants.identity.domain import secret_hash
from tenants.identity.errors import InvitationNotValid
from tenants.identity.models import Invitation, User
from tenants.registry.directory import TenantRef
from tenants.registry.models import Domain
from wildrydes.kernel.errors import NotFound


def all_users() -> QuerySet[User]:
    """All users of the tenant, with their invitations."""
    return User.objects.select_related("invitation")


def user_by_id(user_id: UUID) -> User:
    """One of them.

    Raises:
        NotFound: there is no such user.
    """
    user = all_users().filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such user.")
    return user


def open_invitation(*, token: str) -> Invitation:
    """The invitation that this token belongs to, with its user, while it can be accepted.

    Raises:
        InvitationNotValid: it is unknown, expired, replaced or used.
    """
    invitation = (
        Invitation.objects.select_related("user")
        .filter(token_hash=secret_hash(token), accepted_at=None, expires_at__gt=Now(), user__is_active=True)
        .first()
    )
    if invitation is None:
        raise InvitationNotValid
    return invitation


def tenant_url(tenant: TenantRef, path: str) -> str:
    """The address of `path` at the tenant's own host, for links in e-mails."""
    host = Domain.objects.filter(tenant_id=tenant.id).order_by("-is_primary", "id").values_list("domain", flat=True)[0]
    default_port = 443 if settings.PUBLIC_SCHEME == "https" else 80
    port = "" if default_port == settings.PUBLIC_PORT else f":{settings.PUBLIC_PORT}"
    return f"{settings.PUBLIC_SCHEME}://{host}{port}{path}"
