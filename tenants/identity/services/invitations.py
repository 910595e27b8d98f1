"""Inviting people and letting them in."""

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from messaging.services import publish, send
from tenants.identity.domain import new_secret, secret_hash
from tenants.identity.errors import AlreadyUser, InvitationNotValid
from tenants.identity.events import SendInvitation, UserProvisioned
from tenants.identity.models import Invitation, RevocationReason, User
from tenants.identity.selectors import open_invitation
from tenants.identity.services.sessions import database_now, revoke_all
from wildrydes.kernel.encryption import seal
from wildrydes.kernel.errors import InvalidInput

_PREFIX = "wrin"


def invite_user(*, email: str, name: str, role: str) -> Invitation:
    """Make a user of the entered tenant who cannot log in yet, and have the invitation mailed after the commit.

    Inviting someone again who has not accepted replaces the earlier invitation; a deactivated user is let in again, with a
    password to be set anew.

    Raises:
        AlreadyUser: the person has a password.
    """
    with transaction.atomic():
        user, is_new = User.objects.select_for_update().get_or_create(
            email=email.strip().lower(), defaults={"name": name, "role": role, "password": make_password(None)}
        )
        if is_new:
            publish(UserProvisioned(user_id=user.id))
        elif user.has_accepted and user.is_active:
            raise AlreadyUser("Change their role instead, or deactivate them first to have them set a new password.")
        else:
            user.name, user.role, user.is_active = name, role, True
            user.set_unusable_password()
            user.save(update_fields=["name", "role", "is_active", "password"])
        return _invite(user)


def _invite(user: User) -> Invitation:
    token = new_secret(_PREFIX)
    invitation, _ = Invitation.objects.update_or_create(
        user=user,
        defaults={
            "token_hash": secret_hash(token),
            "created_at": Now(),
            "expires_at": database_now() + settings.INVITATION_LIFETIME,
            "accepted_at": None,
            "sent_at": None,
            "undeliverable_at": None,
        },
    )
    send(
        SendInvitation(invitation_id=invitation.id, sealed_token=seal(token, keys=settings.FIELD_ENCRYPTION_KEY)),
    )
    return invitation


def accept_invitation(*, token: str, password: str) -> User:
    """Set the invited person's password; the token is used up.

    Raises:
        InvitationNotValid: the token is unknown, expired, replaced or used.
        InvalidInput: the password breaks a rule; the invitation stays open.
    """
    user = open_invitation(token=token).user
    hashed = make_password(check_new_password(password, user))  # slow on purpose, and so outside of the transaction
    with transaction.atomic():
        now = database_now()
        accepted = Invitation.objects.filter(
            token_hash=secret_hash(token), accepted_at=None, expires_at__gt=now, user__is_active=True
        )
        if not accepted.update(accepted_at=now):
            raise InvitationNotValid
        User.objects.filter(pk=user.pk).update(password=hashed)
        revoke_all(user_id=user.pk, reason=RevocationReason.PASSWORD)
    user.password = hashed
    return user


def check_new_password(password: str, user: User) -> str:
    """Answer `password` when it may become `user`'s.

    Raises:
        InvalidInput: naming each rule it breaks.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(
            " ".join(error.messages), errors=[{"pointer": "/password", "detail": text} for text in error.messages]
        ) from None
    return password
