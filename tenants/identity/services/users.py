"""Changing users."""

from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q

from messaging.services import publish
from tenants.identity.errors import InvalidCredentials, LastAdministrator
from tenants.identity.events import UserProvisioned
from tenants.identity.models import RevocationReason, Role, User
from tenants.identity.services.invitations import check_new_password
from tenants.identity.services.sessions import revoke_all
from tenants.identity.throttling import admit_login, login_succeeded
from tenants.registry.context import current_tenant
from wildrydes.kernel.errors import NotFound


def create_user(*, email: str, name: str, role: str, hashed_password: str) -> User:
    """A user of the entered tenant who can log in at once; for demonstrations and imports. People are invited.

    `hashed_password` is Django's `make_password` of it.

    Raises:
        IntegrityError: when the address is taken.
    """
    with transaction.atomic():
        user = User.objects.create(email=email.strip().lower(), name=name, role=role, password=hashed_password)
        publish(UserProvisioned(user_id=user.id))
    return user


def update_user(
    *, user_id: UUID, name: str | None = None, role: str | None = None, is_active: bool | None = None
) -> User:
    """Change what is given of a user of the entered tenant. Deactivation ends all their logins.

    Raises:
        NotFound: there is no such user.
        LastAdministrator: nobody would be left who can manage users.
    """
    with transaction.atomic():
        # All who count are locked in one order, so that two administrators cannot demote each other at once.
        concerned = User.objects.select_for_update().filter(Q(pk=user_id) | Q(role=Role.ADMINISTRATOR, is_active=True))
        users = {user.pk: user for user in concerned.order_by("pk")}
        user = users.get(user_id)
        if user is None:
            raise NotFound("There is no such user.")
        was_administrator = _is_administrator(user)
        user.name = user.name if name is None else name
        user.role = user.role if role is None else role
        user.is_active = user.is_active if is_active is None else is_active
        if was_administrator and not any(_is_administrator(one) for one in users.values()):
            raise LastAdministrator
        user.save(update_fields=["name", "role", "is_active"])
        if not user.is_active:
            revoke_all(user_id=user.pk, reason=RevocationReason.DEACTIVATED)
    return user


def _is_administrator(user: User) -> bool:
    return user.role == Role.ADMINISTRATOR and user.is_active and user.has_accepted


def change_password(*, user_id: UUID, current: str, new: str, address: str) -> None:
    """Set a new password and end all logins; wrong guesses at the current one count as attempts to log in.

    Raises:
        TooManyLogins, InvalidCredentials: as for logging in.
        InvalidInput: the new password breaks a rule.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise InvalidCredentials("The account is not there any more.")
    attempt = admit_login(tenant_id=current_tenant().id, email=user.email, address=address)
    if not user.check_password(current):
        raise InvalidCredentials("The current password is not right.")
    login_succeeded(attempt)
    hashed = make_password(check_new_password(new, user))
    with transaction.atomic():
        if not User.objects.filter(pk=user_id, password=user.password, is_active=True).update(password=hashed):
            raise InvalidCredentials("The password was changed a moment ago.")
        revoke_all(user_id=user_id, reason=RevocationReason.PASSWORD)
