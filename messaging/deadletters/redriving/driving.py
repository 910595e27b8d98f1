"""One step of a run. What a step does is one commit with the message that asks for the next one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import Now

from audit.models import ActorKind
from audit.services import Actor, record
from messaging.deadletters.redriving.events import DriveRun
from messaging.deadletters.redriving.planning import plan_some
from messaging.deadletters.sending import Redriven, locked_open, send_again
from messaging.errors import PutBack
from messaging.models import ItemState, RedriveItem, RedriveRun, RunState
from messaging.services import send

# Letters sent in one step, and under way at a time: a run whose letters fail slowly must not send them all before that shows.
MOST_PER_STEP = 100
MOST_UNDER_WAY = 500
_STEP_SECONDS = 1.0
_SOON_SECONDS, _LATEST_SECONDS = 600.0, 900.0
_SYSTEM = Actor.system("redrive run")


def held(run_id: UUID) -> RedriveRun | None:
    """The run, held until the transaction ends; its `db_now` is the database's time."""
    return RedriveRun.objects.select_for_update().annotate(db_now=Now()).filter(id=run_id).first()


def drive_on(run: RedriveRun, *, after: float = 0.0) -> None:
    """Ask for the next step, `after` seconds from now."""
    command = DriveRun(run_id=run.id, generation=run.generation)
    send(command, correlation_id=run.id, delay=timedelta(seconds=after))


def step(*, run_id: UUID, generation: int) -> bool:
    """Do what is next for the run; False when nothing is: it ended, was paused, or another chain of messages drives it.

    Raises:
        PutBack: outcomes are awaited, or the rate does not allow the next letter yet.
    """
    run = held(run_id)
    if run is None or not is_driven(run, generation):
        return False
    after = _STEPS[RunState(run.state)](run)
    if after is not None:
        drive_on(run, after=after)
    return True


def is_driven(run: RedriveRun, generation: int) -> bool:
    """Whether a driver's message of this generation has something to do."""
    return run.generation == generation and run.state in _STEPS


def counts_of(run_id: UUID) -> dict[str, int]:
    """How many of the run's letters are in each state."""
    rows = RedriveItem.objects.filter(run_id=run_id).values_list("state").annotate(n=Count("id")).order_by()
    return {ItemState(state).value: n for state, n in rows}


def actor_of(run: RedriveRun) -> Actor:
    """Who set the run going."""
    return Actor(kind=ActorKind(run.actor_kind), id=run.actor_id, name=run.actor_name)


def send_items(run: RedriveRun, items: Sequence[RedriveItem]) -> None:
    """Send these waiting items' letters again, or write down why not."""
    result = Redriven()
    letters = locked_open([item.letter_id for item in items], result)
    send_again(letters, result, actor=actor_of(run), run_id=run.id)
    now = _now(run)
    for item in items:
        if item.letter_id in result.sent:
            item.state, item.delivery_id, item.sent_at = ItemState.SENT, result.sent[item.letter_id], now
        elif item.letter_id in result.obsolete:
            item.state, item.finished_at = ItemState.OBSOLETE, now
            item.result = result.obsolete[item.letter_id][:300]
        else:
            item.state, item.finished_at = ItemState.SKIPPED, now
            item.result = result.refused[item.letter_id].detail[:300]
    RedriveItem.objects.bulk_update(items, ["state", "delivery_id", "sent_at", "finished_at", "result"])


def finish(run: RedriveRun, state: RunState, *, note: str, action: str, actor: Actor = _SYSTEM) -> None:
    """End the run; what it has not sent is free for others again."""
    RedriveItem.objects.filter(run=run, state=ItemState.WAITING).update(state=ItemState.LEFT, finished_at=Now())
    run.state, run.note, run.finished_at = state, note[:300], _now(run)
    run.save(update_fields=["state", "note", "finished_at"])
    tell(run, action, actor=actor, reason=note)


def tell(run: RedriveRun, action: str, *, actor: Actor, reason: str = "") -> None:
    """Write down what became of the run, with its counts."""
    details: dict[str, str | int] = {"rate": f"{run.rate:g}", **counts_of(run.id)}
    record(
        actor=actor,
        action=f"redrive_run.{action}",
        subject_type="redrive_run",
        subject_id=str(run.id),
        reason=reason,
        details=details,
    )


def pause_by_itself(run: RedriveRun, why: str) -> None:
    """Stop sending until somebody has looked."""
    run.state, run.note = RunState.PAUSED, why[:300]
    run.save(update_fields=["state", "note"])
    tell(run, "paused", actor=_SYSTEM, reason=why)


def _now(run: RedriveRun) -> datetime:
    now: datetime = run.db_now  # type: ignore[attr-defined]  # `held` annotates it
    return now


def _plan(run: RedriveRun) -> float | None:
    return 0.0 if plan_some(run) else None


def _watch_canary(run: RedriveRun) -> float | None:
    canary = RedriveItem.objects.filter(run=run, is_canary=True).order_by("-sent_at", "-id").first()
    if canary is None or canary.state == ItemState.SENT:
        return _await(run, canary.sent_at if canary else None)
    if canary.state == ItemState.FAILED:
        why = f"Its canary died again ({canary.result}). Remove the cause, then plan a new run."
        finish(run, RunState.STOPPED, note=why, action="stopped")
    elif counts_of(run.id).get(ItemState.WAITING):
        run.state = RunState.CANARY_DONE
        run.save(update_fields=["state"])
    else:
        finish(run, RunState.DONE, note="", action="finished")
    return None


def _send_some(run: RedriveRun) -> float | None:
    counts = counts_of(run.id)
    failed = counts.get(ItemState.FAILED, 0) - run.failures_forgiven
    waiting, under_way = counts.get(ItemState.WAITING, 0), counts.get(ItemState.SENT, 0)
    if failed >= run.max_failures and (waiting or under_way):
        pause_by_itself(run, f"{failed} letters died again. Look at why, then resume or cancel.")
        return None
    if not waiting:
        if under_way:
            return _await(run, run.stepped_at)
        finish(run, RunState.DONE, note="", action="finished")
        return None
    elapsed = (_now(run) - (run.stepped_at or _now(run))).total_seconds()
    # What could not be sent while nobody drove it is not made up for in one burst.
    allowance = min(run.allowance + run.rate * max(0.0, elapsed), max(1.0, 2 * run.rate))
    number = min(int(allowance), MOST_PER_STEP, MOST_UNDER_WAY - under_way)
    if under_way >= MOST_UNDER_WAY:
        return _await(run, run.stepped_at)
    if number < 1:
        raise PutBack("the rate does not allow the next letter yet", after=_pause_after(run, allowance))
    items = RedriveItem.objects.filter(run=run, state=ItemState.WAITING).order_by("id")[:number]
    send_items(run, list(items))
    run.allowance, run.stepped_at = allowance - number, _now(run)
    run.save(update_fields=["allowance", "stepped_at"])
    return _pause_after(run, run.allowance)


def _await(run: RedriveRun, since: datetime | None) -> float:
    """Look again soon: the same message, put back, while that is minutes; then ever later, by new ones, for days."""
    waited = (_now(run) - (since or _now(run))).total_seconds()
    if waited < _SOON_SECONDS:
        raise PutBack("outcomes are awaited", after=_STEP_SECONDS)
    return min(waited / 10, _LATEST_SECONDS)


def _pause_after(run: RedriveRun, allowance: float) -> float:
    """How long until a letter may be sent; a step is no shorter than a second."""
    return max(_STEP_SECONDS, (1.0 - allowance) / run.rate)


_STEPS: Mapping[RunState, Callable[[RedriveRun], float | None]] = {
    RunState.PLANNING: _plan,
    RunState.CANARY: _watch_canary,
    RunState.RUNNING: _send_some,
}
