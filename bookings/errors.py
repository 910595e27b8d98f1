"""Why a booking can fail, as a client reads it in the operation's `error`."""

from wildrydes.kernel.errors import Conflict, DomainError


class NoUnicornFree(DomainError):
    """Nothing was charged."""

    status = 409
    code = "no-unicorn-free"
    title = "No unicorn is free near the pick-up at that time"


class FleetOutOfSight(Exception):
    """No unicorn has been seen lately, so nobody can tell who is free: try again when the feed is back. Clients never see it."""


class PlanningFailed(DomainError):
    """A mistake of ours, in the dead letters by now; nothing was charged."""

    status = 500
    code = "planning-failed"
    title = "The ride could not be planned"


class PaymentDeclined(DomainError):
    """The provider's answer is final; the unicorn was released."""

    status = 402
    code = "payment-declined"
    title = "The payment was declined"


class PaymentUnavailable(DomainError):
    """The provider could not be reached in time; the unicorn was released and nothing stays charged."""

    status = 503
    code = "payment-unavailable"
    title = "The payment provider could not be reached in time"


class BookingTookTooLong(DomainError):
    """The deadline that the tier promises has passed; a charge that turns up late is refunded."""

    status = 504
    code = "booking-deadline"
    title = "The booking was not confirmed in time"


class CannotReportNoShow(Conflict):
    """The rider may still come, the ride was never confirmed, or it has ended."""

    code = "cannot-report-no-show"
    title = "This ride cannot be reported as missed"


class CannotCancel(Conflict):
    """The ride has begun, is over, or failed."""

    code = "cannot-cancel"
    title = "This booking can no longer be cancelled"
