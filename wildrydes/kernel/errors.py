"""Typed errors that a person may see.

Every error that can reach a client, a support agent or an operator derives from `DomainError`. The API turns it into a
problem document (RFC 9457), the Admin into a message, a command into one line.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self


class DomainError(Exception):
    """A rule of the product said no.

    Subclasses set `status` (the HTTP status an API client gets), `code` (the last part of the problem's `type` URI, stable)
    and `title` (the same sentence every time). `detail` is about this occurrence and says what to do next. `errors` lists
    the fields at fault as `{"pointer": JSON pointer (RFC 6901), "detail": str}`. `retry_after` is in seconds.
    """

    status: ClassVar[int] = 422
    code: ClassVar[str] = "unprocessable"
    title: ClassVar[str] = "The request cannot be processed"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        retry_after: float | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = list(errors)
        self.retry_after = retry_after
        self.extra = dict(extra or {})


class InvalidInput(DomainError):
    """The input is well-formed but breaks a rule; `errors` says which field."""

    code = "invalid-input"
    title = "Some fields are not valid"

    @classmethod
    def at(cls, pointer: str, detail: str) -> Self:
        """An error about one field, named by its JSON pointer such as `/pickup/latitude`."""
        return cls(detail, errors=[{"pointer": pointer, "detail": detail}])


class NotFound(DomainError):
    """There is no such thing, or not for this caller: the two are not told apart."""

    status = 404
    code = "not-found"
    title = "Not found"


class Conflict(DomainError):
    """The state of the resource does not allow it now."""

    status = 409
    code = "conflict"
    title = "The current state does not allow this"


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    title = "You may not do this"


class OverloadedError(DomainError):
    """Load is shed; `retry_after` says when to come back."""

    status = 503
    code = "overloaded"
    title = "The service is shedding load"


class ConfigurationError(Exception):
    """An operator's mistake. Commands print its text as one line and exit with 1; it says what to do next."""
