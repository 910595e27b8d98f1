"""Retry as data: how often, and how long to wait in between."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Exponential back-off with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

    `attempts` is how often a handler may raise before its message is dead-lettered, `crashes` how often its worker may die;
    they are counted apart, so that a deployment does not dead-letter the innocent. `base` and `cap` are in seconds.
    """

    attempts: int = 6
    crashes: int = 5
    base: float = 0.5
    cap: float = 60.0

    def ceiling(self, attempt: int) -> float:
        """The longest wait after the given attempt (counted from 1), in seconds."""
        return min(self.cap, self.base * 2.0 ** min(attempt - 1, 60))

    def delay(self, attempt: int) -> float:
        """A wait drawn evenly between nothing and the ceiling, in seconds."""
        return random.uniform(0.0, self.ceiling(attempt))  # noqa: S311  # jitter, not a secret
