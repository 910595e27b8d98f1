"""Marking how far a run has come. Each mark is committed at once, so that the page sees it."""

from uuid import UUID

from django.db import models
from django.db.models import F

from tenants.onboarding.models import OnboardingRun, OnboardingStep, StepCode, StepState

LONGEST_REASON = 500


class ClockTimestamp(models.Func):
    """The database's clock at this moment; `now()` stands still during a transaction."""

    function = "clock_timestamp"
    output_field = models.DateTimeField()


def write_steps(run: OnboardingRun) -> None:
    """The steps of a new run, in the order of `StepCode`."""
    OnboardingStep.objects.bulk_create(
        OnboardingStep(run=run, position=position, code=code) for position, code in enumerate(StepCode, start=1)
    )


def begin(run_id: UUID, code: StepCode) -> bool:
    """Mark the step as under way; False when it was done before and there is nothing to do.

    A step that a dead worker left under way keeps its beginning, so that its duration is what people waited.
    """
    return bool(
        OnboardingStep.objects.filter(run_id=run_id, code=code)
        .exclude(state=StepState.DONE)
        .update(
            state=StepState.RUNNING,
            tries=F("tries") + 1,
            started_at=models.functions.Coalesce("started_at", ClockTimestamp()),
            finished_at=None,
            note="",
        )
    )


def finish(run_id: UUID, code: StepCode, note: str = "") -> None:
    """Mark the step as done, with a few words on what was done."""
    OnboardingStep.objects.filter(run_id=run_id, code=code).update(
        state=StepState.DONE, finished_at=ClockTimestamp(), note=note[:LONGEST_REASON]
    )


def fail(run_id: UUID, code: StepCode, reason: str) -> None:
    """Mark the step as failed for now; it is tried again until the message's attempts are used up."""
    OnboardingStep.objects.filter(run_id=run_id, code=code).exclude(state=StepState.DONE).update(
        state=StepState.FAILED, finished_at=ClockTimestamp(), note=reason[:LONGEST_REASON]
    )


def reset_failed(run_id: UUID) -> None:
    """Let what failed begin anew; what is done stays done."""
    OnboardingStep.objects.filter(run_id=run_id).exclude(state=StepState.DONE).update(
        state=StepState.PENDING, started_at=None, finished_at=None, note="", tries=0
    )


def reason_of(error: BaseException) -> str:
    """What failed, in one line for the page."""
    return describe(f"{type(error).__module__}.{type(error).__qualname__}", str(error))


def describe(error_class: str, text: str) -> str:
    """An error in one line: our own errors are sentences; a library's need to say whose they are."""
    lines = text.strip().splitlines()
    said = lines[0] if lines else "no further words"
    own = error_class.startswith(("tenants.", "wildrydes.", "messaging."))
    return said if own or not error_class else f"{error_class.rpartition('.')[2]}: {said}"
