"""Deleting what can never be used again."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from tenants.identity.models import Invitation, RefreshFamily, RefreshToken
from tenants.registry.rounds import in_every_tenant

# Ended logins are kept for a while, for the question "who logged me out?".
_KEPT_AFTER_END = timedelta(days=7)
_BATCH = 1_000


def delete_expired_sessions() -> int:
    """Delete ended logins, spent refresh tokens and stale invitations of the entered tenant; answers how many rows.

    A refresh token is kept until it would have expired, so that its reuse is recognised until then. Of each kind at most a
    thousand go at once: the next round does the rest.
    """
    return (
        _delete(RefreshToken.objects.filter(expires_at__lt=Now()))
        + _delete(RefreshFamily.objects.filter(expires_at__lt=Now() - _KEPT_AFTER_END))
        + _delete(Invitation.objects.filter(expires_at__lt=Now() - _KEPT_AFTER_END))
    )


def delete_expired_sessions_everywhere() -> int:
    """The same in every tenant. A scheduled job, in `public`."""
    return in_every_tenant(delete_expired_sessions)


def _delete(rows: QuerySet[Any]) -> int:
    some = list(rows.values_list("pk", flat=True)[:_BATCH])
    return rows.filter(pk__in=some).delete()[0]
