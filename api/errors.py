"""Errors of the HTTP interface itself, each with its status; the rules of the business have theirs beside them."""

from typing import Self

from wildrydes.kernel.errors import Conflict, DomainError


class BadRequest(DomainError):
    """The request cannot be read."""

    status = 400
    code = "bad-request"
    title = "The request cannot be read"


class MalformedBody(BadRequest):
    """The body is not the JSON we take; `errors` points at the place."""

    code = "malformed-body"
    title = "The body is not valid JSON"

    @classmethod
    def at_pointer(cls, pointer: str, detail: str) -> Self:
        """An error at one place of the body, as a JSON pointer (RFC 6901); empty for the whole."""
        return cls(detail, errors=[{"pointer": pointer, "detail": detail}])


class InvalidQuery(BadRequest):
    """A query parameter is unknown or has no valid value; `errors` names it."""

    code = "invalid-query"
    title = "Some query parameters are not valid"


class InvalidHeader(BadRequest):
    """A request header has no valid value."""

    code = "invalid-header"
    title = "A request header is not valid"


class IdempotencyKeyRequired(BadRequest):
    """The endpoint books or pays: without a key a retry could do so twice."""

    code = "idempotency-key-required"
    title = "This request needs an Idempotency-Key header"


class Unauthenticated(DomainError):
    """There is no valid access token."""

    status = 401
    code = "unauthenticated"
    title = "A valid access token is required"


class MethodNotAllowed(DomainError):
    """The resource does not know this method; the `Allow` header says which it knows."""

    status = 405
    code = "method-not-allowed"
    title = "This resource does not know this method"


class NotAcceptable(DomainError):
    """The client takes no representation that we have."""

    status = 406
    code = "not-acceptable"
    title = "There is no representation that you accept"


class RequestInProgress(DomainError):
    """A request with the same idempotency key is being worked on; come back for its answer."""

    status = 409
    code = "request-in-progress"
    title = "A request with this Idempotency-Key is in progress"


class LengthRequired(DomainError):
    """The body's length is not given beforehand (chunked transfer)."""

    status = 411
    code = "length-required"
    title = "A Content-Length header is required"


class BodyTooLarge(DomainError):
    """The body is longer than any valid one."""

    status = 413
    code = "body-too-large"
    title = "The body is too large"


class UnsupportedMediaType(DomainError):
    """The body is in a format, encoding or character set that we do not read."""

    status = 415
    code = "unsupported-media-type"
    title = "The body's format is not supported"


class IdempotencyKeyReused(DomainError):
    """The key was used for another request."""

    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request"


class QuotaExceeded(DomainError):
    """The tenant's quota of requests is used up; `retry_after` says when the next one is served."""

    status = 429
    code = "quota-exceeded"
    title = "The quota of requests is used up"


class BacklogFull(DomainError):
    """Back-pressure: too much of the tenant's accepted work still waits."""

    status = 429
    code = "backlog-full"
    title = "Too much of your accepted work is still waiting"


class InternalError(DomainError):
    """A mistake of ours; nothing about it leaves the process but the id of the request."""

    status = 500
    code = "internal-error"
    title = "Something went wrong on our side"


class Unavailable(DomainError):
    """Something we depend on is away for the moment."""

    status = 503
    code = "unavailable"
    title = "The service is not available at the moment"


class OperationFinal(Conflict):
    """The operation has ended."""

    code = "operation-final"
    title = "The operation has ended"


class OperationCancelled(Conflict):
    """The operation was cancelled before it was done."""

    code = "operation-cancelled"
    title = "The operation was cancelled"


class OperationExpired(DomainError):
    """The operation was not done by its deadline."""

    status = 504
    code = "operation-expired"
    title = "The operation was not done in time"
