"""The rows of the topology about requests for quotes: who asks the unicorns, works off their answers, keeps the deadline."""

from api.events import OperationCancelRequested
from bookings import events as bookings_events
from bookings import quotes as bookings_quotes
from messaging.retry import RetryPolicy
from messaging.topology import QueueClass, Route
from rfq import events as rfq_events
from rfq import handlers as rfq
from rfq import prospects as rfq_prospects
from rfq.pushing import ATTEMPTS, PushToOperator

# An operator's endpoint, within the life of a request; what is not pushed can be pulled.
_OPERATOR = RetryPolicy(attempts=ATTEMPTS + 2, base=0.3, cap=3.0)

QUOTES: list[Route] = [
    Route(
        message=bookings_events.BookingFailed,
        name="bookings.reopen_quotes",
        handler=bookings_quotes.booking_failed,
        foresee=bookings_quotes.of_failure,
        queue_class=QueueClass.RFQ,
    ),
    Route(
        message=rfq_events.Scatter,
        name="rfq.scatter",
        handler=rfq.scatter,
        foresee=rfq_prospects.of_scatter,
        on_dead=rfq.given_up,
        queue_class=QueueClass.RFQ,
    ),
    Route(
        message=rfq_events.ConsiderAnswer,
        name="rfq.consider_answer",
        handler=rfq.consider_answer,
        foresee=rfq_prospects.of_answer,
        on_dead=rfq.given_up,
        queue_class=QueueClass.RFQ,
    ),
    Route(
        message=rfq_events.CloseRfq,
        name="rfq.close",
        handler=rfq.close,
        foresee=rfq_prospects.of_close,
        queue_class=QueueClass.RFQ,
        on_dead=rfq.given_up,
    ),
    Route(
        message=rfq_events.TellOperator,
        name="rfq.tell_operator",
        handler=PushToOperator(),
        foresee=rfq_prospects.of_telling,
        queue_class=QueueClass.RFQ,
        retry=_OPERATOR,
        on_dead=rfq.push_is_dead,
        time_limit=30.0,
    ),
    Route(
        message=OperationCancelRequested,
        name="rfq.operation_cancel_requested",
        handler=rfq.operation_cancel_requested,
        foresee=rfq_prospects.of_cancel_request,
        queue_class=QueueClass.RFQ,
    ),
]
