"""What a group may have, in words that staff can set while everything runs."""

from dataclasses import dataclass, field

from fairqueue.errors import InvalidLimit

MAX_WEIGHT = 1000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """A group's limits.

    `weight` is its share of worker time beside others' (1 by default), `cap` how many of its messages may be in flight at once
    (None: no cap of its own), `paused` whether none is taken.
    """

    weight: float = 1.0
    cap: int | None = None
    paused: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            InvalidLimit: a weight that is not above 0 and at most 1,000, a cap below 1.
        """
        if not 0 < self.weight <= MAX_WEIGHT:
            raise InvalidLimit(f"A weight is above 0 and at most {MAX_WEIGHT:.0f}, not {self.weight!r}.")
        if self.cap is not None and self.cap < 1:
            raise InvalidLimit(f"A cap is at least 1, not {self.cap!r}; to stop a group, pause it.")


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueLimits:
    """All limits of a queue: the cap of each group without one of its own, that of all together, and groups' own."""

    each: int | None = None
    total: int | None = None
    groups: dict[str, Limits] = field(default_factory=dict)
