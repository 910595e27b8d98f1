"""What identity says no with. None of the texts tells whether an account exists."""

from wildrydes.kernel.errors import Conflict, DomainError, NotFound


class InvalidCredentials(DomainError):
    """Unknown address, wrong password, deactivated, not yet accepted: one answer for all."""

    status = 401
    code = "invalid-credentials"
    title = "The e-mail address or the password is not right"


class InvalidRefreshToken(DomainError):
    """Unknown, expired, replaced or revoked: one answer for all."""

    status = 401
    code = "invalid-refresh-token"
    title = "The refresh token is not valid; log in again"


class TooManyLogins(DomainError):
    """Guessing is slowed down; `retry_after` says when the next try is admitted."""

    status = 429
    code = "too-many-logins"
    title = "Too many attempts to log in"


class InvitationNotValid(NotFound):
    """Unknown, expired, replaced or accepted: one answer for all."""

    code = "invitation-not-valid"
    title = "This invitation is not valid any more; ask your administrator for a new one"


class LastAdministrator(Conflict):
    """A company always keeps one administrator who can log in."""

    code = "last-administrator"
    title = "This is the company's last administrator; make somebody else one first"


class AlreadyUser(Conflict):
    """The address belongs to a user who has a password; inviting is for those who do not."""

    code = "already-a-user"
    title = "Somebody with this e-mail address is a user already"
