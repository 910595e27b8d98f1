"""The console's front page: what a member of staff sees first, as far as they may see it."""

from typing import Any

from django.http import HttpRequest

from console.selectors import runs_under_way, tenants_by_status, traffic_by_tier


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows to its context. Each part needs the permission to look at what it counts."""
    user = request.user
    may_see_traffic = user.has_perm("messaging.view_delivery") and user.has_perm("messaging.view_deadletter")
    context.update(
        may_onboard=user.has_perm("onboarding.add_onboardingrun"),
        statuses=tenants_by_status() if user.has_perm("registry.view_tenant") else None,
        runs=runs_under_way() if user.has_perm("onboarding.view_onboardingrun") else None,
        traffic=traffic_by_tier() if may_see_traffic else None,
    )
    return context
