"""The two shapes of handler, and no third."""

from typing import Any

from django.db import transaction

from messaging.claims import Claim, finish, renew
from messaging.journal.models import TraceOutcome
from messaging.messages import Envelope, Obsolete
from messaging.posting import collected, collecting
from messaging.topology import Gateway, Route


def run(claimed: Claim, route: Route, envelope: Envelope[Any]) -> None:
    """Run the route's handler to its end.

    Raises:
        StaleClaim: the lease was lost; nothing was committed.
        Exception: whatever the handler raises; nothing of the failed step was committed.
    """
    if callable(route.handler):
        # Effects, new messages and "done" are one commit: effects happen once.
        with transaction.atomic():
            with collecting():
                answer = route.handler(envelope)
            outcome = TraceOutcome.OBSOLETE if isinstance(answer, Obsolete) else TraceOutcome.DONE
            finish(claimed, outcome=outcome, posts=collected())
    else:
        _run_gateway(claimed, route.handler, envelope)


def _run_gateway(claimed: Claim, gateway: Gateway[Any, Any, Any], envelope: Envelope[Any]) -> None:
    with transaction.atomic():
        intent = gateway.prepare(envelope)
        if intent is None:
            finish(claimed, outcome=TraceOutcome.OBSOLETE)
            return
        renew(claimed)
    result = gateway.lookup(intent) if intent.may_have_been_sent else None
    if result is None:
        result = gateway.call(intent)
    with transaction.atomic():
        with collecting():
            gateway.settle(envelope, intent, result)
        finish(claimed, outcome=TraceOutcome.DONE, posts=collected())
