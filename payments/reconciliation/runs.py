"""A run's life: opened once per period, read page by page, compared, closed."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.services import Actor, record
from messaging.services import publish, send
from payments.providers.base import Access
from payments.reconciliation.comparing import compare
from payments.reconciliation.events import CompareRun, FetchPage
from payments.reconciliation.models import UNFINISHED, Movement, Run, RunKind, RunState
from payments.reconciliation.records import Page, Row, access_to, accounts_of_tenant
from payments.reconciliation.repairs import repair_by_itself
from payments.reconciliation.statements import close_day
from tenants.registry.context import current_tenant
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import Conflict

SETTLING_TIME = timedelta(minutes=15)
"""How long after a day's end it is compared: longer than any transaction that could still book into it."""
MARGIN = timedelta(hours=1)
"""How much more than the period is read on each side: the provider's clock is not ours."""


class RunUnderWay(Conflict):
    """There is one at a time."""

    code = "reconciliation-under-way"
    title = "A reconciliation is under way"


@dataclass(frozen=True, kw_only=True, slots=True)
class PageIntent:
    """The page that is to be read. Reading leaves nothing behind, so there is nothing to look up."""

    access: Access
    cursor: str
    start: datetime
    end: datetime
    may_have_been_sent: bool = False


def open_daily_run(*, now: datetime | None = None) -> bool:
    """Begin the run of the first day that has no statement yet and has ended; answers whether one was begun.

    Two schedulers at once begin one: the constraint decides. A day waits for the day before it. `now` is the database's, unless
    given.
    """
    with transaction.atomic():
        if Run.objects.filter(kind=RunKind.DAILY, state__in=UNFINISHED).exists():
            return False
        last = Run.objects.filter(kind=RunKind.DAILY).order_by("-period_start").first()
        start = last.period_end if last else _first_day()
        end = start + timedelta(days=1)
        return (now or _now()) >= end + SETTLING_TIME and _begin(RunKind.DAILY, start, end) is not None


def open_run_on_demand(*, actor: Actor) -> Run:
    """Compare what moved since the last statement (the last day at least) until now, without a statement.

    Raises:
        RunUnderWay: one that was asked for is not done yet.
    """
    with transaction.atomic():
        now = _now()
        last = Run.objects.filter(kind=RunKind.DAILY, state=RunState.DONE).order_by("-period_start").first()
        start = min(last.period_end if last else _first_day(), now - timedelta(days=1))
        run = _begin(RunKind.ON_DEMAND, start, now, asked_by=actor.name[:254])
        if run is None:
            raise RunUnderWay("A comparison is under way; wait for its end.")
        record(
            actor=actor,
            action="reconciliation.started",
            subject_type="reconciliation_run",
            subject_id=str(run.id),
            tenant_id=current_tenant().id,
        )
    return run


def _begin(kind: RunKind, start: datetime, end: datetime, *, asked_by: str = "") -> Run | None:
    """The new run with the command for its first page; None when another has begun it."""
    accounts = [account and str(account) for account in accounts_of_tenant()]
    run = Run(kind=kind, period_start=start, period_end=end, asked_by=asked_by, accounts=accounts)
    Run.objects.bulk_create([run], ignore_conflicts=True)
    if not Run.objects.filter(id=run.id).exists():
        return None
    send(FetchPage(run_id=run.id, step=0))
    return run


def begin_page(*, run_id: UUID, step: int) -> PageIntent | None:
    """What is to be read next; None when the run has gone on without this message."""
    run = Run.objects.select_for_update().filter(id=run_id).first()
    if run is None or run.step != step or run.state not in (RunState.FETCHING, RunState.FAILED):
        return None
    if run.state == RunState.FAILED:
        Run.objects.filter(id=run.id).update(state=RunState.FETCHING, note="")
    return PageIntent(
        access=access_to(_account(run)),
        cursor=run.cursor,
        start=run.period_start - MARGIN,
        end=run.period_end + MARGIN,
    )


def settle_page(*, run_id: UUID, step: int, page: Page) -> None:
    """Keep what was read and ask for the next page, or for the comparison. A second time changes nothing."""
    run = Run.objects.select_for_update().get(id=run_id)
    if run.step != step or run.state != RunState.FETCHING:
        return
    # Attempts that failed may share their id with the one that took the money: that one counts.
    best_last = sorted(page.rows, key=lambda row: row.succeeded)
    rows = {row.provider_ref: _movement(row, _account(run)) for row in best_last}
    failed = [row.provider_ref for row in rows.values() if not row.succeeded]
    for ref in Movement.objects.filter(provider_ref__in=failed, succeeded=True).values_list("provider_ref", flat=True):
        del rows[ref]
    Movement.objects.bulk_create(
        rows.values(), update_conflicts=True, unique_fields=["provider_ref"], update_fields=["succeeded", "moved_at"]
    )
    source = run.source if page.next_cursor else run.source + 1
    is_last = source >= len(run.accounts)
    Run.objects.filter(id=run.id).update(
        step=F("step") + 1,
        cursor=page.next_cursor,
        source=source,
        movements=F("movements") + len(rows),
        state=RunState.COMPARING if is_last else RunState.FETCHING,
    )
    send(CompareRun(run_id=run.id) if is_last else FetchPage(run_id=run.id, step=step + 1))


def finish_run(*, run_id: UUID) -> bool:
    """Compare, repair what is safe, close the day; all in one commit. False when that was done before."""
    run = Run.objects.select_for_update().filter(id=run_id).first()
    if run is None or run.state == RunState.DONE:
        return False
    found = compare(run)
    repaired = repair_by_itself(found)
    if run.kind == RunKind.DAILY:
        for closed in close_day(run):
            publish(closed)
    Run.objects.filter(id=run.id).update(
        state=RunState.DONE, found=len(found), repaired=repaired, finished_at=Now(), note=""
    )
    return True


def give_up_run(*, run_id: UUID, reason: str) -> None:
    """The outcome of a run's dead letter: it waits; redriving the letter goes on where it stopped."""
    Run.objects.filter(id=run_id).exclude(state=RunState.DONE).update(state=RunState.FAILED, note=reason[:200])


def _account(run: Run) -> UUID | None:
    account: str | None = run.accounts[run.source]
    return UUID(account) if account else None


def _movement(row: Row, account_id: UUID | None) -> Movement:
    return Movement(account_id=account_id, **{name: getattr(row, name) for name in row.__slots__})


def _first_day() -> datetime:
    began: datetime = Tenant.objects.values_list("created_at", flat=True).get(id=current_tenant().id)
    return datetime.combine(began.astimezone(UTC).date(), time(0), tzinfo=UTC)


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
