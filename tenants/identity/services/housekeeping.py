"""Deleting what can never be used again."""

from datetime import timedelta

from django.db.models.functions import Now

from tenants.identity.models import Invitation, RefreshFamily, RefreshToken

# Ended logins are kept for a while, for the question "who logged me out?".
_KEPT_AFTER_END = timedelta(days=7)


def delete_expired_sessions() -> int:
    """Delete ended logins, spent refresh tokens and stale invitations of the entered tenant; answers how many rows.

    A refresh token is kept until it would have expired, so that its reuse is recognised until then.
    """
    families, _ = RefreshFamily.objects.filter(expires_at__lt=Now() - _KEPT_AFTER_END).delete()
    tokens, _ = RefreshToken.objects.filter(expires_at__lt=Now()).delete()
    invitations, _ = Invitation.objects.filter(expires_at__lt=Now() - _KEPT_AFTER_END).delete()
    return families + tokens + invitations
