"""What a handler may raise to say more than "it failed"."""


class Retry(Exception):
    """Try again; counted as an attempt. `after` is the least wait in seconds, such as a provider's `Retry-After`."""

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Reject(Exception):
    """It can never succeed: dead-letter it at once, with its outcome."""


class OutcomeUnknown(Exception):
    """A gateway's call was sent and not answered: it may have happened. The next attempt looks it up before anything else."""


class PutBack(Exception):
    """Not now, and not the message's fault (an older schema, an unknown handler): delayed and uncounted."""

    def __init__(self, reason: str, *, after: float = 5.0) -> None:
        super().__init__(reason)
        self.after = after


class StaleClaim(Exception):
    """The lease ran out and someone else has the row: everything this holder did is rolled back."""


class NotDeclared(LookupError):
    """A message or handler that `wildrydes/topology.py` does not know."""
