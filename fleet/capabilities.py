"""What a unicorn can offer, in the words that everybody uses: operators' feeds, requests for quotes, offers."""

from collections.abc import Sequence
from enum import StrEnum

MAX_EXTRAS = 8


class SpeedClass(StrEnum):
    """How fast a unicorn is, slowest first."""

    TROT = "trot"
    CANTER = "canter"
    GALLOP = "gallop"


class Extra(StrEnum):
    """What a unicorn has besides its seats."""

    FREE_DRINKS = "free_drinks"
    CHILD_SEAT = "child_seat"
    WHEELCHAIR_RAMP = "wheelchair_ramp"
    BLANKET = "blanket"
    MUSIC = "music"
    QUIET = "quiet"
    PETS_WELCOME = "pets_welcome"
    RAINBOW_TRAIL = "rainbow_trail"


def at_least(slowest: SpeedClass | None) -> Sequence[str]:
    """The speed classes that are as fast as `slowest`, or faster; all of them for None."""
    classes = [each.value for each in SpeedClass]
    return classes if slowest is None else classes[classes.index(slowest.value) :]
