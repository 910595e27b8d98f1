"""All that the front page shows to one member of staff, in one object. What they may not see is None."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.utils.timezone import now

from console.front.charts import Bar, bars, columns
from console.front.traffic import (
    Backlog,
    LateDeadline,
    TierLetters,
    backlog,
    deaths_by_hour,
    late_deadlines,
    letters_by_tier,
)
from console.permissions import VIEW_STORY
from messaging.deadletters.redriving.selectors import progress, runs
from messaging.deadletters.redriving.services import OPEN_STATES
from tenants.onboarding.models import OnboardingRun, RunState, StepState
from tenants.registry.models import Tenant, TenantStatus


@dataclass(frozen=True, kw_only=True)
class Letters:
    """Open dead letters, and when letters died in the last day."""

    tiers: list[TierLetters]
    bars: list[Bar]
    hours: list[Bar]
    died_today: int

    @property
    def open(self) -> int:
        """Of all tiers."""
        return sum(tier.open for tier in self.tiers)

    @property
    def without_outcome(self) -> int:
        """Those whose business outcome could not be committed: somebody was promised an answer and has none."""
        return sum(tier.without_outcome for tier in self.tiers)

    @property
    def oldest_at(self) -> datetime | None:
        """Of all tiers."""
        return min((tier.oldest_at for tier in self.tiers if tier.oldest_at), default=None)


@dataclass(frozen=True, kw_only=True)
class Onboarding:
    """An onboarding that is not done."""

    id: UUID
    tenant: str
    state: str
    state_title: str
    percent: int
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class Redriving:
    """A redrive run that has not ended. `percent` is of the phase it is in."""

    id: UUID
    actor: str
    state: str
    state_title: str
    total: int
    percent: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The front page. `taken_at` is when its figures were read."""

    taken_at: datetime
    letters: Letters | None
    backlog: Backlog | None
    backlog_bars: list[Bar]
    late: list[LateDeadline]
    redriving: list[Redriving]
    onboardings: list[Onboarding] | None
    statuses: list[tuple[str, str, int]] | None
    may_onboard: bool
    may_see_story: bool

    @property
    def is_empty(self) -> bool:
        """Whether its reader may see none of it."""
        return self.letters is None and self.backlog is None and self.onboardings is None and self.statuses is None

    @property
    def onboarding_count(self) -> int:
        """Companies that are being made now."""
        return sum(n for code, _, n in self.statuses or [] if code == TenantStatus.ONBOARDING)


def overview_for(user: Any) -> Overview:
    """What this member of staff may see. Each part needs the permission to look at what it counts."""
    waits = backlog() if user.has_perm("messaging.view_delivery") else None
    return Overview(
        taken_at=now(),
        letters=_letters() if user.has_perm("messaging.view_deadletter") else None,
        backlog=waits,
        backlog_bars=bars([each.waiting for each in waits.classes]) if waits else [],
        late=late_deadlines() if waits and waits.late_deadlines else [],
        redriving=redriving() if user.has_perm("messaging.view_redriverun") else [],
        onboardings=onboardings() if user.has_perm("onboarding.view_onboardingrun") else None,
        statuses=tenants_by_status() if user.has_perm("registry.view_tenant") else None,
        may_onboard=user.has_perm("onboarding.add_onboardingrun"),
        may_see_story=user.has_perm(VIEW_STORY),
    )


def _letters() -> Letters:
    tiers, hours = letters_by_tier(), deaths_by_hour()
    return Letters(tiers=tiers, bars=bars([tier.open for tier in tiers]), hours=columns(hours), died_today=sum(hours))


def tenants_by_status() -> list[tuple[str, str, int]]:
    """Code, title and number of tenants of every status, also where there are none."""
    found = dict(Tenant.objects.values_list("status").annotate(n=Count("id")).values_list("status", "n"))
    return [(status.value, str(status.label), found.get(status.value, 0)) for status in TenantStatus]


def onboardings(limit: int = 6) -> list[Onboarding]:
    """Onboardings that are running or failed, the newest first."""
    runs = (
        OnboardingRun.objects.exclude(state=RunState.SUCCEEDED)
        .select_related("tenant")
        .annotate(total=Count("steps"), done=Count("steps", filter=Q(steps__state=StepState.DONE)))
        .order_by("-started_at")[:limit]
    )
    return [
        Onboarding(
            id=run.id,
            tenant=run.tenant.name,
            state=run.state,
            state_title=run.get_state_display(),
            percent=round(100 * run.done / run.total) if run.total else 0,
            started_at=run.started_at,
        )
        for run in runs
    ]


def redriving(limit: int = 4) -> list[Redriving]:
    """Redrive runs under way, the latest first."""
    ids = runs().filter(state__in=OPEN_STATES).values_list("id", flat=True)[:limit]
    return [
        Redriving(
            id=found.run.id,
            actor=found.run.actor_name,
            state=found.run.state,
            state_title=str(found.run.get_state_display()),
            total=found.total,
            percent=found.percent,
        )
        for found in map(progress, list(ids))
    ]
