"""The dry run: finding the letters, and what would happen to each. In steps that are each bounded."""

from collections.abc import Sequence

from django.db.models import Q
from django.db.models.functions import Now

from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.foreseeing import Blocked, Sendable, foresee_all
from messaging.models import DeadLetter, DeadLetterState, ItemState, RedriveItem, RedriveRun, RunState

GATHER = 1_000
FORESEE = 100
# Beside the verdicts of `messaging.topology.Verdict`: the letter cannot be sent as things are.
BLOCKED = "blocked"


def plan_some(run: RedriveRun) -> bool:
    """Do one bounded part of the plan for a locked run; answers whether there may be more."""
    if _gather(run) or _foresee(run):
        return True
    total = RedriveItem.objects.filter(run=run).count()
    run.left_out = run.matched - total
    run.planned_at = Now()
    run.state = RunState.DRAFT
    if not total:
        run.state, run.finished_at = RunState.CANCELLED, Now()
        run.note = "Every letter it found was dealt with, or is in another open run."
    run.save(update_fields=["left_out", "planned_at", "state", "finished_at", "note"])
    return False


def _gather(run: RedriveRun) -> bool:
    """Take the next letters, oldest first. One that another open run has is left out; the database sees to that."""
    letters = LetterFilter.parse(run.selection).apply()
    # What dies from now on is not part of it, or a failing system would keep the plan from ever being complete.
    letters = letters.filter(state=DeadLetterState.OPEN, last_died_at__lte=run.created_at)
    if run.gathered_at is not None:
        after = Q(died_at__gt=run.gathered_at) | Q(died_at=run.gathered_at, id__gt=run.gathered_id)
        letters = letters.filter(died_at__gte=run.gathered_at).filter(after)
    rows = list(letters.order_by("died_at", "id").values_list("id", "tenant_id", "died_at")[:GATHER])
    if not rows:
        return False
    RedriveItem.objects.bulk_create(
        [RedriveItem(run=run, letter_id=letter_id, tenant_id=tenant_id) for letter_id, tenant_id, _ in rows],
        ignore_conflicts=True,
    )
    run.matched += len(rows)
    run.gathered_id, _, run.gathered_at = rows[-1]
    run.save(update_fields=["matched", "gathered_id", "gathered_at"])
    return True


def _foresee(run: RedriveRun) -> bool:
    waiting = RedriveItem.objects.filter(run=run, state=ItemState.WAITING, verdict="")
    items = {item.letter_id: item for item in waiting.order_by("id")[:FORESEE]}
    if not items:
        return False
    for item in items.values():
        item.verdict, item.summary = BLOCKED, "It is dealt with already."
    open_letters = DeadLetter.objects.filter(id__in=list(items), state=DeadLetterState.OPEN)
    for outlook in foresee_all(list(open_letters)):
        _write(items[outlook.letter.id], outlook)
    _save(list(items.values()))
    return True


def _write(item: RedriveItem, outlook: Sendable | Blocked) -> None:
    if isinstance(outlook, Blocked):
        item.verdict, item.summary = BLOCKED, outlook.obstacle.detail[:300]
        return
    prospect = outlook.prospect
    item.verdict, item.summary = str(prospect.verdict), prospect.summary[:300]
    if prospect.money is not None:
        item.money_minor, item.currency = prospect.money.minor, prospect.money.currency


def _save(items: Sequence[RedriveItem]) -> None:
    RedriveItem.objects.bulk_update(items, ["verdict", "summary", "money_minor", "currency"])
