"""What the fleet says no with."""

from wildrydes.kernel.errors import DomainError, NotFound


class InvalidCredential(DomainError):
    """Unknown, wrong secret, revoked: one answer for all."""

    status = 401
    code = "invalid-credential"
    title = "The credential or its secret is not right"


class NoSuchOperator(NotFound):
    """Nobody runs unicorns under this code."""

    code = "no-such-operator"
    title = "There is no such operator"
