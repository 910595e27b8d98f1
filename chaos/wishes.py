"""What companies want: bookings drawn from the seed, each with what its client will do about it afterwards."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

# In the city where the simulated unicorns graze; name, pick-up and drop-off in degrees.
ROUTES = (
    ("airport", (36.1147, -115.1728), (36.0840, -115.1537)),
    ("arts district", (36.1016, -115.1745), (36.1569, -115.1527)),
    ("springs", (36.1263, -115.1658), (36.1713, -115.1893)),
    ("stadium", (36.1215, -115.1739), (36.0909, -115.1833)),
)
DECLINED_CARD = "tok_declined"
# Rides are spread over the month that can be booked ahead: unicorns must not be what is scarce.
EARLIEST, LATEST = timedelta(hours=2), timedelta(days=28)
BY_OPERATION, BY_CANCELLATION = "operation", "cancellation"

DECLINED_SHARE = 0.03
TWIN_SHARE = 0.08
REPEAT_SHARE = 0.25
OPERATION_CANCEL_SHARE = 0.10
CANCELLATION_SHARE = 0.12


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A booking and its client's manners.

    Attributes:
        number: counted from 1 per company.
        key: the idempotency key; the reference by which the booking is recognised is derived from it.
        route: index into ROUTES.
        ahead: from the moment of booking to the pick-up.
        is_declined: whether it is paid with a card that the provider declines.
        twins: how often the request is sent at once.
        repeats: seconds after each of which the same request is sent again.
        cancel: how it is called off, if at all.
        cancel_after: seconds from the 202 to that.
    """

    number: int
    key: str
    route: int
    ahead: timedelta
    is_declined: bool = False
    twins: int = 1
    repeats: tuple[float, ...] = ()
    cancel: str = ""
    cancel_after: float = 0.0

    def body(self, *, now: datetime) -> dict[str, Any]:
        """The request, the same however often it is sent: made once."""
        _, pickup, dropoff = ROUTES[self.route]
        card = {"payment_source": DECLINED_CARD} if self.is_declined else {}
        return {
            "pickup": {"latitude": pickup[0], "longitude": pickup[1]},
            "dropoff": {"latitude": dropoff[0], "longitude": dropoff[1]},
            "passengers": 1,
            "pickup_at": (now + self.ahead).astimezone(UTC).isoformat(),
            "reference": self.key,
            **card,
        }


def draw(seed: int, slug: str) -> Iterator[Wish]:
    """A company's wishes of a seed, without end; the n-th does not depend on how the others went."""
    number = 0
    while True:
        number += 1
        dice = random.Random(f"wish {seed} {slug} {number}")
        way = dice.random()
        cancel = ""
        if way < OPERATION_CANCEL_SHARE:
            cancel = BY_OPERATION
        elif way < OPERATION_CANCEL_SHARE + CANCELLATION_SHARE:
            cancel = BY_CANCELLATION
        yield Wish(
            number=number,
            key=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            route=dice.randrange(len(ROUTES)),
            ahead=EARLIEST + (LATEST - EARLIEST) * dice.random(),
            is_declined=not cancel and dice.random() < DECLINED_SHARE,
            twins=2 if dice.random() < TWIN_SHARE else 1,
            repeats=tuple(dice.uniform(0, 6) for _ in range(dice.randint(1, 2)))
            if dice.random() < REPEAT_SHARE
            else (),
            cancel=cancel,
            # Half of them while the ride is being planned and paid, half of them later.
            cancel_after=dice.uniform(0, 0.3) if dice.random() < 0.5 else dice.uniform(0.3, 5),
        )
