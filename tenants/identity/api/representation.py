"""What clients see of users and tokens."""

from typing import Any

from tenants.identity.models import User
from tenants.identity.services import TokenPair
from tenants.identity.tokens import features_of, quota_of
from tenants.registry.directory import TenantRef


def represent_tokens(pair: TokenPair) -> dict[str, Any]:
    """A token pair."""
    return {
        "token_type": "Bearer",
        "access": pair.access,
        "access_expires_in": pair.access_expires_in,
        "refresh": pair.refresh,
        "refresh_expires_in": pair.refresh_expires_in,
    }


def represent_user(user: User) -> dict[str, Any]:
    """A user as administrators see them; the invitation only while it is not accepted."""
    invitation = getattr(user, "invitation", None)
    if invitation is not None and invitation.accepted_at is not None:
        invitation = None
    status = "deactivated" if not user.is_active else "active" if user.has_accepted else "invited"
    shown = ("expires_at", "sent_at", "undeliverable_at")
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "status": status,
        "created_at": user.created_at,
        "last_login": user.last_login,
        "invitation": None if invitation is None else {name: getattr(invitation, name) for name in shown},
    }


def represent_me(user: User, tenant: TenantRef) -> dict[str, Any]:
    """The caller, their company and its quota."""
    quota = quota_of(tenant.tier)
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "tenant": {
            "id": tenant.id,
            "name": tenant.name,
            "slug": tenant.slug,
            "tier": tenant.tier.code,
            "currency": tenant.currency,
            "features": features_of(tenant),
        },
        "quota": {"requests_per_minute": quota.requests_per_minute, "burst": quota.burst},
    }
