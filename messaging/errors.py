"""What a handler may raise to say more than "it failed"."""


class _Wait(Exception):
    """Something to be tried again. `at_most` is the longest wait in seconds, for a handler that has a deadline to meet."""

    at_most: float | None = None


class Retry(_Wait):
    """Try again; counted as an attempt. `after` is the least wait in seconds, such as a provider's `Retry-After`."""

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def bounded(seconds: float, error: Exception) -> float:
    """A wait, as long as what was raised allows."""
    at_most = error.at_most if isinstance(error, _Wait) else None
    return seconds if at_most is None else min(seconds, at_most)


class Reject(Exception):
    """It can never succeed: dead-letter it at once, with its outcome."""


class OutcomeUnknown(_Wait):
    """A gateway's call was sent and not answered: it may have happened. The next attempt looks it up before anything else."""


class PutBack(_Wait):
    """Not now, and not the message's fault (an older schema, an unknown handler): delayed and uncounted."""

    def __init__(self, reason: str, *, after: float = 5.0) -> None:
        super().__init__(reason)
        self.after = after


class StaleClaim(Exception):
    """The lease ran out and someone else has the row: everything this holder did is rolled back."""


class NotDeclared(LookupError):
    """A message or handler that `wildrydes/topology.py` does not know."""
