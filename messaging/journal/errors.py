"""What can go wrong with sealing."""


class UnableToSeal(RuntimeError):
    """Something keeps journals from being sealed, or heads from being written outside; what waits is tried again."""
