"""Logging in, refreshing and logging out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import update_last_login
from django.db import connection, transaction

from tenants.identity.domain import TokenState, Verdict, judge, new_secret, secret_hash
from tenants.identity.errors import InvalidCredentials, InvalidRefreshToken
from tenants.identity.models import RefreshFamily, RefreshToken, RevocationReason, User
from tenants.identity.throttling import admit_login, login_succeeded
from tenants.identity.tokens import AccessToken
from tenants.registry.context import current_tenant

_PREFIX = "wrrt"


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """What a login or a refresh gives: a signed access token and an opaque refresh token; lifetimes in seconds."""

    access: str
    refresh: str
    access_expires_in: int
    refresh_expires_in: int


def database_now() -> datetime:
    """The database's clock at this moment, also after waiting for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def log_in(*, email: str, password: str, address: str) -> TokenPair:
    """Tokens for the user of the entered tenant with these credentials; `address` is the client's, for throttling.

    Takes the same time and tells the same for every reason to say no.

    Raises:
        TooManyLogins: before the password is looked at.
        InvalidCredentials: otherwise.
    """
    tenant = current_tenant()
    email = email.strip().lower()
    attempt = admit_login(tenant_id=tenant.id, email=email, address=address)
    user = User.objects.filter(email=email).first()
    # Someone without a usable password costs one run of the hasher too.
    matches = (user or User(password="!")).check_password(password)  # noqa: S106  # Django's mark of an unusable one
    if user is None or not matches or not user.is_active:
        raise InvalidCredentials("Check both, or ask your company's administrator for an invitation.")
    login_succeeded(attempt)
    return issue_tokens(user=user)


def issue_tokens(*, user: User) -> TokenPair:
    """A new login of `user` in the entered tenant: a family with its first refresh token, and an access token.

    Raises:
        InvalidCredentials: when the user was deactivated or the password changed since `user` was read.
    """
    with transaction.atomic():
        # Deactivation and a new password change this row first: either they see this login, or it sees them.
        as_read = User.objects.select_for_update().filter(pk=user.pk, is_active=True, password=user.password)
        if not as_read.exists():
            raise InvalidCredentials("The account has changed a moment ago; log in again.")
        now = database_now()
        family = RefreshFamily.objects.create(user=user, expires_at=now + settings.REFRESH_TOKEN_LIFETIME)
        refresh = _successor(family, predecessor=None, now=now)
        update_last_login(None, user)  # type: ignore[arg-type]  # a signal's receiver, used as a function
    return _pair(user, family.id, refresh)


def refresh_tokens(*, refresh: str) -> TokenPair:
    """New tokens for a refresh token, by the rule of `domain.judge`; its family's row lock puts all uses in one order.

    Raises:
        InvalidRefreshToken: when it is not valid; a copied one has ended its family by then.
    """
    with transaction.atomic():
        found = _locked(refresh)
        if found is None:
            raise _refused()
        token, family, user = found
        now = database_now()
        successor = token.successors.filter(replaced_at=None).first()
        verdict = judge(
            TokenState(
                family_is_revoked=family.revoked_at is not None,
                has_expired=token.expires_at <= now,
                was_replaced=token.replaced_at is not None,
                used_for=None if token.used_at is None else max(timedelta(0), now - token.used_at),
                successor_used=successor is not None and successor.used_at is not None,
            )
        )
        if verdict is Verdict.REVOKE:
            _revoke(family, RevocationReason.REUSE, now)
        if not user.is_active:
            verdict = Verdict.REFUSE
        fresh = None
        if verdict in (Verdict.ROTATE, Verdict.REPLACE):
            fresh = _rotate(family, token, successor, now)
    if fresh is None:
        raise _refused()
    return _pair(user, family.id, fresh)


def _refused() -> InvalidRefreshToken:
    return InvalidRefreshToken("It is unknown, expired, or was used before.")


def _locked(refresh: str) -> tuple[RefreshToken, RefreshFamily, User] | None:
    """The token as it is once its family's row is locked."""
    digest = secret_hash(refresh)
    families = RefreshFamily.objects.select_for_update(of=("self",)).select_related("user")
    family = families.filter(tokens__token_hash=digest).first()
    if family is None:
        return None
    return RefreshToken.objects.get(token_hash=digest), family, family.user


def _rotate(family: RefreshFamily, token: RefreshToken, successor: RefreshToken | None, now: datetime) -> str:
    """Make the old ones invalid before the new one exists: the database admits one valid token per family."""
    if token.used_at is None:
        RefreshToken.objects.filter(pk=token.pk).update(used_at=now)
    if successor is not None:
        RefreshToken.objects.filter(pk=successor.pk).update(replaced_at=now)
    RefreshFamily.objects.filter(pk=family.pk).update(expires_at=now + settings.REFRESH_TOKEN_LIFETIME)
    return _successor(family, predecessor=token, now=now)


def _successor(family: RefreshFamily, *, predecessor: RefreshToken | None, now: datetime) -> str:
    secret = new_secret(_PREFIX)
    RefreshToken.objects.create(
        family=family,
        predecessor=predecessor,
        token_hash=secret_hash(secret),
        expires_at=now + settings.REFRESH_TOKEN_LIFETIME,
    )
    return secret


def _pair(user: User, family_id: UUID, refresh: str) -> TokenPair:
    access = AccessToken.of(user, current_tenant(), session=family_id)
    return TokenPair(
        access=str(access),
        refresh=refresh,
        access_expires_in=int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
        refresh_expires_in=int(settings.REFRESH_TOKEN_LIFETIME.total_seconds()),
    )


def log_out(*, refresh: str) -> None:
    """End the login that this refresh token belongs to; a token that is not known is no login any more (RFC 7009, 2.2)."""
    with transaction.atomic():
        found = _locked(refresh)
        if found is not None and found[1].revoked_at is None:
            _revoke(found[1], RevocationReason.LOGOUT, database_now())


def revoke_all(*, user_id: UUID, reason: RevocationReason) -> None:
    """End all logins of a user, in the caller's transaction."""
    RefreshFamily.objects.filter(user_id=user_id, revoked_at=None).update(
        revoked_at=database_now(), revoked_reason=reason
    )


def _revoke(family: RefreshFamily, reason: RevocationReason, now: datetime) -> None:
    RefreshFamily.objects.filter(pk=family.pk).update(revoked_at=now, revoked_reason=reason)
