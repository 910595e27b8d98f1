"""The pure rules of points."""

MINOR_UNITS_PER_POINT = 100


def points_for(fare_minor: int) -> int:
    """The points a fare earns: one for every full hundred minor units, whatever the currency."""
    return fare_minor // MINOR_UNITS_PER_POINT
