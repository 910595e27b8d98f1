"""What can be wrong with a second factor, in words for the person at the keyboard."""

from wildrydes.kernel.errors import Conflict, InvalidInput


class WrongCode(InvalidInput):
    """Neither the authenticator's code of this half minute nor an unused recovery code."""

    code = "wrong-code"
    title = "This code is not right, or was used already"


class TooManyCodes(InvalidInput):
    """Too many wrong codes in a row; `retry_after` says how long to wait."""

    status = 429
    code = "too-many-codes"
    title = "Too many wrong codes"


class AlreadyEnrolled(Conflict):
    """There is a second factor already; an old one goes before a new one comes."""

    code = "already-enrolled"
    title = "You have a second factor already"


class NotEnrolled(Conflict):
    """There is no second factor."""

    code = "not-enrolled"
    title = "There is no second factor"
