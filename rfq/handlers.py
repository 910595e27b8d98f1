"""What requests for quotes react to; each translates and makes one call."""

from api.events import OperationCancelRequested
from messaging.errors import PutBack
from messaging.messages import Envelope, Obsolete
from messaging.topology import DeadCause
from rfq import events, metrics, services
from rfq.errors import FleetOutOfSight
from rfq.paths import OPERATION


def scatter(message: Envelope[events.Scatter]) -> Obsolete | None:
    """Ask the vicinity; while nobody knows where they are, wait, up to the deadline."""
    try:
        return _unless(services.scatter(rfq_id=message.body.rfq_id))
    except FleetOutOfSight as error:
        raise PutBack(str(error), after=1.0) from error


def consider_answer(message: Envelope[events.ConsiderAnswer]) -> Obsolete | None:
    """Work off the response queue."""
    body = message.body
    return _unless(services.consider_answer(rfq_id=body.rfq_id, invitation_id=body.invitation_id))


def close(message: Envelope[events.CloseRfq]) -> Obsolete | None:
    """The deadline has come."""
    return _unless(services.close_if_complete(rfq_id=message.body.rfq_id))


def given_up(message: Envelope[events.Scatter | events.ConsiderAnswer | events.CloseRfq], cause: DeadCause) -> None:
    """Whatever step is given up, the request closes when it is complete: at its deadline, with what is there."""
    services.close_if_complete(rfq_id=message.body.rfq_id)


def push_is_dead(message: Envelope[events.TellOperator], cause: DeadCause) -> None:
    """The operator can pull what was not pushed."""
    metrics.pushed("given_up")


def operation_cancel_requested(message: Envelope[OperationCancelRequested]) -> Obsolete | None:
    """A client asked to cancel an operation; only one that asks for quotes is ours to cancel."""
    ours = message.body.kind == OPERATION
    return _unless(ours and services.withdraw_by_operation(rfq_id=message.body.resource_id))


def _unless(done: bool) -> Obsolete | None:
    """The handler's answer: nothing special when something was done, else that there was nothing to do any more."""
    return None if done else Obsolete("The request has gone on without it.")
