"""Pure rules of accounts."""

from tenants.accounts.models import DistanceUnit

# Road distances are written in miles where these are the currency.
_MILES = frozenset({"USD", "GBP"})


def default_distance_unit(currency: str) -> DistanceUnit:
    """The unit that people who pay in `currency` (ISO 4217) expect; the company may choose the other one."""
    return DistanceUnit.MILES if currency in _MILES else DistanceUnit.KILOMETRES
