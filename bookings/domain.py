"""The pure rules of a ride: what may be asked for, what it costs, how long it takes, until when it can be cancelled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from fleet.rides import MAX_AHEAD as MAX_AHEAD
from fleet.rides import MAX_DISTANCE_M as MAX_DISTANCE_M
from fleet.rides import MAX_PASSENGERS as MAX_PASSENGERS
from fleet.rides import MAX_TEXT as MAX_TEXT
from fleet.rides import MIN_DISTANCE_M as MIN_DISTANCE_M
from fleet.rides import PAST_TOLERANCE as PAST_TOLERANCE
from fleet.rides import checked_distance as checked_distance
from fleet.rides import checked_pickup_time as checked_pickup_time
from fleet.rides import checked_text as checked_text
from fleet.rides import reserved_until as reserved_until
from fleet.rides import ride_duration as ride_duration
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.money import Money

# How long a unicorn waits for its rider.
NO_SHOW_GRACE = timedelta(minutes=5)

# The card that a company has on file with its payment provider.
COMPANY_CARD = "tok_company"


@dataclass(frozen=True)
class Tariff:
    """A currency's prices in minor units: a base, a kilometre, each passenger after the first."""

    base: int
    per_km: int
    per_extra_passenger: int


TARIFFS: Mapping[str, Tariff] = MappingProxyType(
    {
        "USD": Tariff(350, 140, 100),
        "EUR": Tariff(320, 130, 90),
        "GBP": Tariff(280, 115, 80),
        "CHF": Tariff(450, 180, 120),
        "JPY": Tariff(500, 210, 150),
    }
)


def fare(*, distance: int, passengers: int, currency: str) -> Money:
    """The price of a ride of `distance` metres. Started minor units count in full, so it never falls as a ride grows."""
    tariff = TARIFFS[currency]
    way = -(-distance * tariff.per_km // 1000)
    return Money(tariff.base + way + (passengers - 1) * tariff.per_extra_passenger, currency)


def checked_currency(wanted: str | None, *, tenant_currency: str) -> str:
    """The tenant's currency, which a client may name but not choose.

    Raises:
        InvalidInput: when another one was named.
    """
    if wanted is not None and wanted != tenant_currency:
        raise InvalidInput.at("/currency", f"This company is billed in {tenant_currency}; leave it out or say so.")
    return tenant_currency


def payment_deadline(remaining: timedelta) -> timedelta:
    """How much of the time that is left the payment gets: the rest is for its outcome to reach the ride."""
    return max(remaining * 3 // 4, timedelta(seconds=1))


def may_cancel(*, pickup_at: datetime, now: datetime) -> bool:
    """Whether a confirmed ride can still be called off: before the pick-up, never after."""
    return now < pickup_at


def cancellation_fee(fare_minor: int, *, pickup_at: datetime, now: datetime, free_for: timedelta, percent: int) -> int:
    """What is kept of the fare, in minor units, of a confirmed ride that is called off `now`.

    Nothing until `free_for` before the pick-up, `percent` of the fare from then on; what is no whole unit is the rider's.
    """
    return 0 if now < pickup_at - free_for else fare_minor * percent // 100


def no_show_fee(fare_minor: int, *, percent: int) -> int:
    """What is kept of the fare, in minor units, when the rider did not come."""
    return fare_minor * percent // 100


def may_be_no_show(*, pickup_at: datetime, now: datetime) -> bool:
    """Whether a rider who is not there has had time enough."""
    return now >= pickup_at + NO_SHOW_GRACE
