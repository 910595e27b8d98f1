"""How far a redrive run is, as its page shows it."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from console.paging import Page, page_of
from messaging.deadletters.redriving import selectors
from messaging.deadletters.redriving.selectors import RunProgress
from messaging.models import ItemState, RunState
from messaging.topology import Verdict

_TONES = {
    ItemState.REDRIVEN: "good",
    ItemState.OBSOLETE: "plain",
    ItemState.FAILED: "bad",
    ItemState.SKIPPED: "warn",
    ItemState.SENT: "info",
}
_VERDICTS = {
    str(Verdict.ACT): "would act",
    str(Verdict.OBSOLETE): "have nothing left to do",
    str(Verdict.UNKNOWN): "cannot be foreseen",
    "blocked": "cannot be sent",
}
_BUTTONS = {
    "send_canary": "Send one as canary",
    "go_on": "Send the rest",
    "skip_canary": "Send all without a canary",
    "pause": "Pause",
    "resume": "Resume",
    "cancel": "Cancel the run",
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the bar: so many letters in a state."""

    title: str
    count: int
    percent: float
    tone: str


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """The run, its progress, and what its reader may press."""

    progress: RunProgress
    parts: tuple[Part, ...]
    verdicts: tuple[tuple[str, str, int], ...]
    buttons: tuple[tuple[str, str], ...]
    tone: str

    @property
    def is_planning(self) -> bool:
        """Whether the dry run is still being made."""
        return self.progress.run.state == RunState.PLANNING


def shown_run(run_id: UUID) -> ShownRun:
    """The run.

    Raises:
        RunNotFound: there is none with this id.
    """
    progress = selectors.progress(run_id)
    total = max(1, progress.total)
    return ShownRun(
        progress=progress,
        parts=tuple(
            Part(
                title=str(state.label),
                count=progress.states[state.value],
                percent=100 * progress.states[state.value] / total,
                tone=_TONES.get(state, ""),
            )
            for state in (
                ItemState.REDRIVEN,
                ItemState.OBSOLETE,
                ItemState.SENT,
                ItemState.FAILED,
                ItemState.SKIPPED,
                ItemState.WAITING,
                ItemState.LEFT,
            )
            if progress.states.get(state.value)
        ),
        verdicts=tuple((name, _VERDICTS.get(name, name), count) for name, count in progress.verdicts.items() if count),
        buttons=tuple((act, _BUTTONS.get(act, act)) for act in progress.may),
        tone=_tone(progress.run.state),
    )


def _tone(state: str) -> str:
    if state in (RunState.STOPPED, RunState.CANCELLED):
        return "bad" if state == RunState.STOPPED else ""
    if state == RunState.PAUSED:
        return "warn"
    return "good" if state == RunState.DONE else "info"


def shown_items(request: HttpRequest, run_id: UUID) -> Page[object]:
    """A page of the run's letters, of one state when the address says so."""
    return page_of(request, selectors.items(run_id, state=request.GET.get("state", "")))
