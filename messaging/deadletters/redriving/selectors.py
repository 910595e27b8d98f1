"""Reading redrive runs: how far they are, and what became of each letter."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from messaging.deadletters.errors import RunNotFound
from messaging.deadletters.redriving.driving import counts_of
from messaging.deadletters.redriving.planning import BLOCKED
from messaging.deadletters.redriving.services import OPEN_STATES
from messaging.models import ItemState, RedriveItem, RedriveRun, RunState
from messaging.topology import Verdict
from wildrydes.kernel.money import CURRENCIES, Money

_ENDED = (ItemState.REDRIVEN, ItemState.OBSOLETE, ItemState.FAILED, ItemState.SKIPPED, ItemState.LEFT)
_MAY: Mapping[str, tuple[str, ...]] = {
    RunState.PLANNING: ("cancel",),
    RunState.DRAFT: ("send_canary", "skip_canary", "cancel"),
    RunState.CANARY: ("cancel",),
    RunState.CANARY_DONE: ("go_on", "send_canary", "cancel"),
    RunState.RUNNING: ("pause", "cancel"),
    RunState.PAUSED: ("resume", "cancel"),
}


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """A run and its counts. `states` are by `ItemState`, `verdicts` by what the dry run said (act, obsolete, unknown, blocked).

    `planned` of `matched` letters have been looked at by the dry run; `ended` of `total` have their outcome; `percent` is of the
    phase it is in. `money` is what sending them would move, by currency. `may` names the services that its
    state allows; `skip_canary` is `go_on` without a canary.
    """

    run: RedriveRun
    states: Mapping[str, int]
    verdicts: Mapping[str, int]
    money: tuple[Money, ...]
    planned: int
    total: int
    ended: int
    percent: int
    is_open: bool
    may: tuple[str, ...]


def progress(run_id: UUID) -> RunProgress:
    """How far the run is.

    Raises:
        RunNotFound: there is none with this id.
    """
    run = RedriveRun.objects.filter(id=run_id).first()
    if run is None:
        raise RunNotFound
    states = counts_of(run_id)
    verdicts = _verdicts(run_id)
    total, unplanned = sum(states.values()), verdicts.pop("", 0)
    ended = sum(states.get(state, 0) for state in _ENDED)
    part = total - unplanned if run.state == RunState.PLANNING else ended
    return RunProgress(
        run=run,
        states={state.value: states.get(state, 0) for state in ItemState},
        verdicts={name: verdicts.get(name, 0) for name in (*map(str, Verdict), BLOCKED)},
        money=_money(run_id),
        planned=total - unplanned,
        total=total,
        ended=ended,
        percent=100 * part // total if total else 0,
        is_open=run.state in OPEN_STATES,
        may=_MAY.get(run.state, ()),
    )


def runs() -> QuerySet[RedriveRun]:
    """All runs, the latest first. Slice it."""
    return RedriveRun.objects.order_by("-created_at", "-id")


def items(run_id: UUID, *, state: str = "", after: int = 0) -> QuerySet[RedriveItem]:
    """The run's letters in the order they are sent, from the one after `after` (an item's id). Slice it."""
    found = RedriveItem.objects.filter(run_id=run_id, id__gt=after).order_by("id")
    return found.filter(state=state) if state in ItemState.values else found


def _verdicts(run_id: UUID) -> dict[str, int]:
    rows = RedriveItem.objects.filter(run_id=run_id).values_list("verdict").annotate(n=Count("id")).order_by()
    return dict(rows)


def _money(run_id: UUID) -> tuple[Money, ...]:
    moving = RedriveItem.objects.filter(run_id=run_id, verdict__in=[Verdict.ACT, Verdict.UNKNOWN])
    sums = (
        moving.exclude(money_minor=None).values_list("currency").annotate(sum=Sum("money_minor")).order_by("currency")
    )
    return tuple(Money(int(total), currency) for currency, total in sums if currency in CURRENCIES)
