"""What is shown of onboardings."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import models

from tenants.onboarding.models import OnboardingRun, OnboardingStep, RunState, StepState


@dataclass(frozen=True, kw_only=True)
class StepView:
    """A step as it is shown; `seconds` runs on while it is under way and is None before it began."""

    code: str
    title: str
    state: str
    seconds: float | None
    tries: int
    note: str


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run as it is shown; `percent` counts finished steps."""

    id: str
    tenant_id: str
    tenant: str
    slug: str
    state: str
    state_title: str
    failure: str
    percent: int
    seconds: float
    tries: int
    steps: tuple[StepView, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing will change by itself any more."""
        return self.state != RunState.RUNNING

    def as_json(self) -> dict[str, Any]:
        """The run for the page's script."""
        return asdict(self)


class _Elapsed(models.Func):
    """Seconds from `started_at` to `finished_at`, or to this moment by the database's clock."""

    template = "extract(epoch FROM coalesce(%(table)s.finished_at, clock_timestamp()) - %(table)s.started_at)::float8"
    output_field = models.FloatField()


def progress_of(run_id: UUID) -> RunView | None:
    """The run with its steps, or None when there is none."""
    run = (
        OnboardingRun.objects.select_related("tenant")
        .annotate(seconds=_Elapsed(table="onboarding_onboardingrun"))
        .filter(id=run_id)
        .first()
    )
    if run is None:
        return None
    rows = OnboardingStep.objects.filter(run_id=run_id).annotate(seconds=_Elapsed(table="onboarding_onboardingstep"))
    steps = tuple(
        StepView(
            code=step.code,
            title=step.get_code_display(),
            state=step.state,
            seconds=None if step.seconds is None else round(step.seconds, 3),
            tries=step.tries,
            note=step.note,
        )
        for step in rows.order_by("position")
    )
    done = sum(step.state == StepState.DONE for step in steps)
    return RunView(
        id=str(run.id),
        tenant_id=str(run.tenant_id),
        tenant=run.tenant.name,
        slug=run.tenant.slug,
        state=run.state,
        state_title=run.get_state_display(),
        failure=run.failure,
        percent=round(100 * done / len(steps)) if steps else 0,
        seconds=round(run.seconds, 3),
        tries=run.tries,
        steps=steps,
    )
