"""What people do with redrive runs; each act is in the audit trail, in the same transaction. Callers check permissions.

plan_run → send_canary → go_on, with pause, resume and cancel at any time. Whoever sets a run going last is named in its letters.
"""

from uuid import UUID

from django.db import transaction

from audit.services import Actor
from messaging.deadletters.errors import NothingToRedrive, RunNotFound, RunRefused
from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.redriving.driving import (
    counts_of,
    drive_on,
    finish,
    held,
    pause_by_itself,
    send_items,
    tell,
)
from messaging.deadletters.redriving.planning import plan_some
from messaging.models import DeadLetterState, ItemState, RedriveItem, RedriveRun, RunState
from messaging.topology import Verdict
from tenants.registry.context import enter_public
from wildrydes.kernel.errors import InvalidInput

SLOWEST, FASTEST = 0.01, 100.0
MOST_FAILURES = 1_000_000
# So many letters are planned at once, while whoever asked waits; more are planned in the background.
_AT_ONCE = 20
_CANARIES_TRIED = 20
OPEN_STATES = (
    RunState.PLANNING,
    RunState.DRAFT,
    RunState.CANARY,
    RunState.CANARY_DONE,
    RunState.RUNNING,
    RunState.PAUSED,
)


def plan_run(selection: LetterFilter, *, rate: float, actor: Actor, max_failures: int = 10) -> RedriveRun:
    """Begin a run over the open letters that the filter finds, with its dry run; nothing is sent.

    A few letters are planned when this returns (state `draft`); many are planned by a worker (`planning`, then `draft`). A letter
    that another open run has is left out. `rate` is in letters per second; the run pauses itself when `max_failures` have died
    again.

    Raises:
        InvalidInput: the rate or the limit is out of bounds, or the filter names what does not exist.
        NothingToRedrive: no open letter is found.
    """
    if not SLOWEST <= rate <= FASTEST:  # also what is not a number
        raise InvalidInput.at("/rate", f"The rate is between {SLOWEST:g} and {FASTEST:g} letters per second.")
    if not 1 <= max_failures <= MOST_FAILURES:
        raise InvalidInput.at("/max_failures", f"The limit is between 1 and {MOST_FAILURES} letters that die again.")
    with enter_public(), transaction.atomic():
        found = selection.apply().filter(state=DeadLetterState.OPEN).values("id")[: _AT_ONCE + 1].count()
        if not found:
            raise NothingToRedrive
        run_id = RedriveRun.objects.create(
            selection=selection.as_text(), rate=rate, max_failures=max_failures, **_by(actor)
        ).id
        run = _held(run_id)
        tell(run, "planned", actor=actor, reason=_in_words(selection))
        if found > _AT_ONCE:
            drive_on(run)
        else:
            while plan_some(run):
                pass
    run.refresh_from_db()
    return run


def send_canary(run_id: UUID, *, actor: Actor) -> RedriveRun:
    """Send one letter and wait for its outcome: done, and the rest may go on; died again, and the run is stopped.

    The first letter with something to do is chosen. A letter found obsolete or not sendable proves nothing, so the next is tried.

    Raises:
        RunNotFound: there is no such run.
        RunRefused: it is not planned, has begun, or has no letter that could be the canary.
    """
    with enter_public(), transaction.atomic():
        run = _in_state(run_id, RunState.DRAFT, RunState.CANARY_DONE, verb="send a canary")
        if not _send_first(run, actor):
            raise RunRefused(
                "None of its first letters can be sent: they are obsolete or blocked. Go on without a canary, or cancel."
            )
        run.state, run.generation = RunState.CANARY, run.generation + 1
        run.save(update_fields=["state", "generation", *_by(actor)])
        tell(run, "canary_sent", actor=actor)
        drive_on(run, after=0.5)
    return run


def _send_first(run: RedriveRun, actor: Actor) -> bool:
    _take(run, actor)
    waiting = RedriveItem.objects.filter(run=run, state=ItemState.WAITING)
    acting = list(waiting.filter(verdict=Verdict.ACT).order_by("id")[:_CANARIES_TRIED])
    for item in acting or waiting.order_by("id")[:_CANARIES_TRIED]:
        item.is_canary = True
        send_items(run, [item])
        if item.state == ItemState.SENT:
            item.save(update_fields=["is_canary"])
            return True
    return False


def go_on(run_id: UUID, *, actor: Actor, without_canary: bool = False) -> RedriveRun:
    """Send the rest at the run's rate. `without_canary` skips the canary of a run that has sent nothing yet.

    Raises:
        RunNotFound: there is no such run.
        RunRefused: its canary's outcome is not there, or it has ended.
    """
    with enter_public(), transaction.atomic():
        allowed = (RunState.CANARY_DONE, RunState.DRAFT) if without_canary else (RunState.CANARY_DONE,)
        run = _in_state(run_id, *allowed, verb="go on")
        _set_going(run, actor, "started")
    return run


def resume(run_id: UUID, *, actor: Actor) -> RedriveRun:
    """Go on where a paused run stopped; the letters that have died again so far are forgiven.

    Raises:
        RunNotFound, RunRefused: there is no such run, or it is not paused.
    """
    with enter_public(), transaction.atomic():
        run = _in_state(run_id, RunState.PAUSED, verb="be resumed")
        run.failures_forgiven = counts_of(run.id).get(ItemState.FAILED, 0)
        _set_going(run, actor, "resumed")
    return run


def pause(run_id: UUID, *, actor: Actor) -> RedriveRun:
    """Send nothing more until it is resumed; what is under way ends.

    Raises:
        RunNotFound, RunRefused: there is no such run, or it is not sending.
    """
    with enter_public(), transaction.atomic():
        run = _in_state(run_id, RunState.RUNNING, verb="be paused")
        run.state, run.note = RunState.PAUSED, ""
        run.save(update_fields=["state", "note"])
        tell(run, "paused", actor=actor)
    return run


def cancel(run_id: UUID, *, actor: Actor) -> RedriveRun:
    """End an open run: what is under way ends, what waits is left as it is and free for other runs.

    Raises:
        RunNotFound, RunRefused: there is no such run, or it has ended.
    """
    with enter_public(), transaction.atomic():
        run = _in_state(run_id, *OPEN_STATES, verb="be cancelled")
        finish(run, RunState.CANCELLED, note="", action="cancelled", actor=actor)
    return run


def driver_died(*, run_id: UUID, generation: int, why: str) -> None:
    """The outcome of a driver's message that was given up, in its transaction: the run waits for people, or ends unplanned."""
    run = held(run_id)
    if run is None or run.generation != generation or run.state not in OPEN_STATES:
        return
    note = f"Its driver failed too often ({why}); see the dead letters of deadletters.drive_run."
    if run.state == RunState.PLANNING:
        finish(run, RunState.CANCELLED, note=note, action="stopped")
    else:
        pause_by_itself(run, note)


def _set_going(run: RedriveRun, actor: Actor, action: str) -> None:
    _take(run, actor)
    run.state, run.note, run.generation = RunState.RUNNING, "", run.generation + 1
    run.allowance, run.stepped_at = 1.0, run.db_now  # type: ignore[attr-defined]  # `held` annotates it
    run.save(update_fields=["state", "note", "generation", "allowance", "stepped_at", "failures_forgiven", *_by(actor)])
    tell(run, action, actor=actor)
    drive_on(run)


def _take(run: RedriveRun, actor: Actor) -> None:
    for name, value in _by(actor).items():
        setattr(run, name, value)


def _by(actor: Actor) -> dict[str, str]:
    return {"actor_kind": str(actor.kind), "actor_id": actor.id[:64], "actor_name": actor.name[:254]}


def _held(run_id: UUID) -> RedriveRun:
    run = held(run_id)
    if run is None:
        raise RunNotFound
    return run


def _in_state(run_id: UUID, *states: RunState, verb: str) -> RedriveRun:
    run = _held(run_id)
    if run.state not in states:
        raise RunRefused(
            f"The run cannot {verb} now: {run.get_state_display()[0].lower()}{run.get_state_display()[1:]}."
        )
    return run


def _in_words(selection: LetterFilter) -> str:
    given = selection.as_text()
    named = given.pop("ids", ())
    words = [f"{name}={value}" for name, value in given.items()]
    return ", ".join([*words, f"{len(named)} letters by id"] if named else words) or "every open letter"
