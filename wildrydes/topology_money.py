"""The part of `wildrydes/topology.py` that moves money or compares it: payments and their reconciliation."""

from messaging.retry import RetryPolicy
from messaging.topology import QueueClass, Route
from payments import events as payments_events
from payments import handlers as payments
from payments import prospects as payments_prospects
from payments.accounts.events import SubscribeToProvider
from payments.accounts.handlers import SubscribeGateway, foresee_subscription, subscription_given_up
from payments.reconciliation import handlers as reconciliation
from payments.reconciliation.events import CompareRun, FetchPage, RefundStray

# A capture has a deadline of its own; its attempts last about ten minutes.
_CAPTURE = RetryPolicy(attempts=40, base=0.5, cap=30.0)
# Money that is owed to or by a rider: every quarter of an hour or so, for about five days.
_PATIENT = RetryPolicy(attempts=1_000, crashes=20, base=2.0, cap=900.0)
# A provider's notification; without it the same is found by looking.
_HINT = RetryPolicy(attempts=12, base=1.0, cap=300.0)
# A page of the provider's record: about two hours of trouble, then the run waits.
_RECORD = RetryPolicy(attempts=20, crashes=10, base=1.0, cap=600.0)

MONEY_ROUTES: list[Route] = [
    # payments
    Route(
        message=payments_events.CapturePayment,
        name="payments.capture",
        handler=payments.CaptureGateway(),
        foresee=payments_prospects.of_capture,
        queue_class=QueueClass.PAYMENTS,
        retry=_CAPTURE,
        on_dead=payments.capture_given_up,
    ),
    Route(
        message=payments_events.CaptureCredit,
        name="payments.capture_credit",
        handler=payments.CreditGateway(),
        foresee=payments_prospects.of_capture,
        queue_class=QueueClass.PAYMENTS,
        retry=_PATIENT,
        on_dead=payments.left_unfinished,
    ),
    Route(
        message=payments_events.ResolveUnknown,
        name="payments.resolve_unknown",
        handler=payments.ResolveGateway(),
        foresee=payments_prospects.of_resolution,
        queue_class=QueueClass.PAYMENTS,
        retry=_PATIENT,
        on_dead=payments.left_unfinished,
    ),
    Route(
        message=payments_events.RefundPayment,
        name="payments.refund",
        handler=payments.RefundGateway(),
        foresee=payments_prospects.of_refund,
        queue_class=QueueClass.PAYMENTS,
        retry=_PATIENT,
        on_dead=payments.refund_given_up,
    ),
    Route(
        message=payments_events.HearNotification,
        name="payments.hear_notification",
        handler=payments.NotificationGateway(),
        foresee=payments_prospects.of_notification,
        queue_class=QueueClass.PAYMENTS,
        retry=_HINT,
        on_dead=payments.notification_given_up,
    ),
    Route(
        message=SubscribeToProvider,
        name="payments.subscribe",
        handler=SubscribeGateway(),
        foresee=foresee_subscription,
        queue_class=QueueClass.PAYMENTS,
        retry=_PATIENT,
        on_dead=subscription_given_up,
    ),
    # payments.reconciliation
    Route(
        message=FetchPage,
        name="reconciliation.fetch_page",
        handler=reconciliation.PageGateway(),
        foresee=reconciliation.of_page,
        queue_class=QueueClass.CONTROL,
        retry=_RECORD,
        on_dead=reconciliation.run_given_up,
    ),
    Route(
        message=CompareRun,
        name="reconciliation.compare",
        handler=reconciliation.compare_run,
        foresee=reconciliation.of_comparison,
        queue_class=QueueClass.CONTROL,
        on_dead=reconciliation.run_given_up,
    ),
    Route(
        message=RefundStray,
        name="reconciliation.refund_stray",
        handler=reconciliation.StrayGateway(),
        foresee=reconciliation.of_stray,
        queue_class=QueueClass.PAYMENTS,
        retry=_PATIENT,
        on_dead=reconciliation.stray_given_up,
    ),
]
