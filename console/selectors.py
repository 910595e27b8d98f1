"""What the front page shows, across apps. Numbers only; nothing of a tenant's own data."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Count, Min, OuterRef, Q, Subquery
from django.db.models.functions import Now

from messaging.models import DeadLetter, DeadLetterState, Delivery
from tenants.onboarding.models import OnboardingRun, RunState, StepState
from tenants.registry.models import Tenant, TenantStatus, Tier

PLATFORM = "platform"
# The front page counts no further than this: it must stay cheap in the very moments when it is looked at most.
COUNT_LIMIT = 50_000


@dataclass(frozen=True, kw_only=True)
class TierTraffic:
    """What waits and what has died for the tenants of one tier. `code` is empty for the platform's own messages.

    `waits_since` is since when the oldest of them could be worked on.
    """

    code: str
    name: str
    backlog: int
    waits_since: datetime | None
    open_dead_letters: int


@dataclass(frozen=True, kw_only=True)
class RunUnderWay:
    """An onboarding that is not done."""

    id: UUID
    tenant: str
    state: str
    state_title: str
    percent: int
    started_at: datetime


def tenants_by_status() -> list[tuple[str, str, int]]:
    """Code, title and number of tenants of every status, also where there are none."""
    found = dict(Tenant.objects.values_list("status").annotate(n=Count("id")).values_list("status", "n"))
    return [(status.value, str(status.label), found.get(status.value, 0)) for status in TenantStatus]


def runs_under_way(limit: int = 6) -> list[RunUnderWay]:
    """Onboardings that are running or failed, the newest first."""
    runs = (
        OnboardingRun.objects.exclude(state=RunState.SUCCEEDED)
        .select_related("tenant")
        .annotate(total=Count("steps"), done=Count("steps", filter=Q(steps__state=StepState.DONE)))
        .order_by("-started_at")[:limit]
    )
    return [
        RunUnderWay(
            id=run.id,
            tenant=run.tenant.name,
            state=run.state,
            state_title=run.get_state_display(),
            percent=round(100 * run.done / run.total) if run.total else 0,
            started_at=run.started_at,
        )
        for run in runs
    ]


def traffic_by_tier() -> list[TierTraffic]:
    """Backlog and open dead letters of each tier, the platform's last."""
    waiting = {
        row["tier"]: (row["n"], row["oldest"])
        # What is delayed (retries, deadlines) does not wait for a worker.
        for row in _by_tier(Delivery.objects.filter(not_before__lte=Now())).annotate(
            n=Count("id"), oldest=Min("not_before")
        )
    }
    dead = {
        row["tier"]: row["n"]
        for row in _by_tier(DeadLetter.objects.filter(state=DeadLetterState.OPEN)).annotate(n=Count("id"))
    }
    tiers = [(tier.code, tier.name) for tier in Tier.objects.order_by("requests_per_minute")]
    return [
        TierTraffic(
            code=code or "",
            name=name,
            backlog=waiting.get(code, (0, None))[0],
            waits_since=waiting.get(code, (0, None))[1],
            open_dead_letters=dead.get(code, 0),
        )
        for code, name in [*tiers, (None, "Platform")]
    ]


def _by_tier(rows: models.QuerySet[Any]) -> models.QuerySet[Any, Any]:
    """Rows with a `tenant_id`, grouped by the tenant's tier (None for the platform's own), no more than are counted."""
    ids = rows.order_by().values("id")[:COUNT_LIMIT]
    tier = Tenant.objects.filter(id=OuterRef("tenant_id")).values("tier")
    counted: models.QuerySet[Any, Any] = rows.model.objects.filter(id__in=ids).annotate(tier=Subquery(tier))
    return counted.order_by().values("tier")
