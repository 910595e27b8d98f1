"""Reconciliation's side of the messages."""

from messaging.errors import Reject, Retry
from messaging.messages import Envelope, Obsolete
from messaging.prospects import nothing_due, would
from messaging.topology import DeadCause, Prospect
from payments.domain import Standing
from payments.guarding.guard import guarded
from payments.providers.base import ProviderAnswer
from payments.reconciliation import repairs, runs
from payments.reconciliation.events import CompareRun, FetchPage, RefundStray
from payments.reconciliation.models import Item, ItemState, Run, RunState
from payments.reconciliation.records import Page, record_of
from payments.reconciliation.repairs import StrayIntent
from payments.reconciliation.runs import PageIntent
from wildrydes.kernel.money import Money

_ASK_AGAIN_AFTER = 5.0


class PageGateway:
    """Reads one page of the provider's record."""

    def prepare(self, message: Envelope[FetchPage]) -> PageIntent | None:
        """Which page; None when the run has gone on."""
        return runs.begin_page(run_id=message.body.run_id, step=message.body.step)

    def lookup(self, intent: PageIntent) -> Page | None:
        """Reading leaves nothing behind."""
        return None

    def call(self, intent: PageIntent) -> Page:
        """Read it."""
        return record_of(intent.access).page(start=intent.start, end=intent.end, cursor=intent.cursor)

    def settle(self, message: Envelope[FetchPage], intent: PageIntent, result: Page) -> None:
        """Keep it, and go on."""
        runs.settle_page(run_id=message.body.run_id, step=message.body.step, page=result)


class StrayGateway:
    """Gives a charge back that belongs to no charge of ours."""

    def prepare(self, message: Envelope[RefundStray]) -> StrayIntent | None:
        """What goes back; None when it is back."""
        return repairs.begin_stray_refund(item_id=message.body.item_id)

    def lookup(self, intent: StrayIntent) -> ProviderAnswer | None:
        """What became of an earlier try."""
        answer = guarded(intent.access, again=True).find_refund(intent.order)
        return None if answer is None else _decided(answer)

    def call(self, intent: StrayIntent) -> ProviderAnswer:
        """Give it back."""
        return _decided(guarded(intent.access).refund(intent.order))

    def settle(self, message: Envelope[RefundStray], intent: StrayIntent, result: ProviderAnswer) -> None:
        """Book both, and the item is repaired."""
        repairs.settle_stray_refund(item_id=message.body.item_id, answer=result)


def compare_run(message: Envelope[CompareRun]) -> Obsolete | None:
    """Compare, repair, close the day."""
    return None if runs.finish_run(run_id=message.body.run_id) else Obsolete("The run is done.")


def run_given_up(message: Envelope[FetchPage] | Envelope[CompareRun], cause: DeadCause) -> None:
    """The run waits for its letter to be redriven."""
    runs.give_up_run(run_id=message.body.run_id, reason=cause.detail or cause.error_class or cause.reason)


def stray_given_up(message: Envelope[RefundStray], cause: DeadCause) -> None:
    """A person must look."""
    repairs.give_up_stray_refund(item_id=message.body.item_id, reason=cause.detail or cause.error_class or cause.reason)


def _decided(answer: ProviderAnswer) -> ProviderAnswer:
    """The answer, once the money is back."""
    if answer.standing is Standing.PROCESSING:
        raise Retry("The provider has taken the refund on and not decided yet.", after=_ASK_AGAIN_AFTER)
    if answer.standing is not Standing.SUCCEEDED:
        raise Reject(f"The provider could not give the money back ({answer.code or 'no reason told'}).")
    return answer


def of_page(message: Envelope[FetchPage]) -> Prospect:
    """What handling `reconciliation.fetch_page` would do."""
    run = Run.objects.filter(id=message.body.run_id).first()
    if run is None or run.step != message.body.step or run.state not in (RunState.FETCHING, RunState.FAILED):
        return nothing_due("The run has gone on without it.")
    return would("The next page of the provider's record would be read; no money moves.")


def of_comparison(message: Envelope[CompareRun]) -> Prospect:
    """What handling `reconciliation.compare` would do."""
    run = Run.objects.filter(id=message.body.run_id).first()
    if run is None or run.state == RunState.DONE:
        return nothing_due("The run is done.")
    return would("The provider's record would be compared with the books, and safe repairs made.")


def of_stray(message: Envelope[RefundStray]) -> Prospect:
    """What handling `reconciliation.refund_stray` would do."""
    item = Item.objects.filter(id=message.body.item_id).first()
    if item is None or item.state != ItemState.REPAIRING:
        return nothing_due("The stray charge was dealt with.")
    amount = Money(abs(item.difference_minor), item.currency)
    return would(f"{amount} would be given back to the card, unless the provider has done so already.", amount)
