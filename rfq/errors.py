"""What requests for quotes say no with: first to clients, then to unicorns."""

from wildrydes.kernel.errors import Conflict, DomainError, NotFound


class NoOffers(DomainError):
    """The request is closed, and nobody offered."""

    status = 409
    code = "no-offers"
    title = "No unicorn made an offer"


class RequestWithdrawn(Conflict):
    """The client has withdrawn it."""

    code = "rfq-withdrawn"
    title = "This request for quotes was withdrawn"


class OfferAccepted(Conflict):
    """An offer was accepted before."""

    code = "offer-accepted"
    title = "An offer of this request was accepted before"


class OfferExpired(Conflict):
    """It stood until `valid_until`."""

    code = "offer-expired"
    title = "This offer has expired"


class OfferGone(Conflict):
    """The unicorn took another ride meanwhile; `next_offer` is the best of what is left."""

    code = "offer-gone"
    title = "This unicorn is not free any more"


class FleetOutOfSight(Exception):
    """No unicorn has been seen lately, so nobody can tell whom to ask: try again when the feed is back. Clients never see it."""


class ForgedReturnAddress(DomainError):
    """It was not made by us, or was changed on the way."""

    status = 422
    code = "forged-return-address"
    title = "This return address is not one of ours"


class UnknownRequest(NotFound):
    """The address was ours once; what it belonged to is gone."""

    code = "unknown-request"
    title = "There is no such request"


class NotAsked(DomainError):
    """The address belongs to another unicorn than those the caller speaks for."""

    status = 403
    code = "not-asked"
    title = "This request was put to another unicorn"


class AlreadyAnswered(Conflict):
    """The first answer counts."""

    code = "already-answered"
    title = "This unicorn has answered before"


class AnswerLate(Conflict):
    """The request was closed before the answer was stored."""

    code = "answer-late"
    title = "The answer came too late"
