"""A run's steps in a terminal, as they happen."""

import time
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from tenants.onboarding.models import StepState
from tenants.onboarding.selectors import RunView, StepView, progress_of

_POLL_SECONDS = 0.1
_MARKS = {StepState.DONE: "✓", StepState.FAILED: "✗", StepState.RUNNING: "…", StepState.PENDING: " "}


def follow(run_id: UUID, out: Any, *, deadline: float) -> RunView:
    """Write each step when it ends (on a terminal also while it is under way) until the run is over; answers the run.

    `deadline` is on the monotonic clock.

    Raises:
        CommandError: the deadline passed; says what to look at.
    """
    told: set[str] = set()
    while True:
        view = progress_of(run_id)
        if view is None:
            raise CommandError("There is no such onboarding.")
        for step in view.steps:
            if step.state in (StepState.DONE, StepState.FAILED) and step.code not in told:
                told.add(step.code)
                out.write(_line(step))
        if view.is_over:
            return view
        if time.monotonic() > deadline:
            raise CommandError(_unfinished(view))
        current = next((step for step in view.steps if step.state == StepState.RUNNING), None)
        if current is not None and out.isatty():
            out.write(_line(current), ending="\r")
            out.flush()
        time.sleep(_POLL_SECONDS)
        told -= {step.code for step in view.steps if step.state == StepState.FAILED}  # it is tried again


def _line(step: StepView) -> str:
    seconds = "" if step.seconds is None else f"{step.seconds:7.2f} s"
    return f"  {_MARKS[StepState(step.state)]} {step.title:<32} {seconds}  {step.note}".rstrip()


def _unfinished(view: RunView) -> str:
    if view.percent == 0 and all(step.tries == 0 for step in view.steps):
        return (
            f"No worker has taken up the onboarding of {view.tenant}: is one running (`make up`, `manage.py worker`)?"
        )
    return f"The onboarding of {view.tenant} is not done yet ({view.percent} %); it goes on in the background."
