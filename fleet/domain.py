"""Pure rules of the fleet: distances, the cells that unicorns are found by, and which unicorn serves a ride."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import h3

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG)."""
CELL_RESOLUTION = 7
"""H3 resolution of `UnicornPosition.cell`: hexagons with edges of about 1.4 km, a city district each."""
SEARCH_RINGS = (1, 2, 4, 8, 14)
"""How far the search grows, in rings of cells around the pickup; 14 rings reach about 25 km."""
FRESH_FOR = timedelta(seconds=60)
"""A unicorn that has not been seen for longer is not sent out."""
CRUISING_SPEED_M_S = 12.0
TIME_TO_TAKE_OFF_S = 30


@dataclass(frozen=True, slots=True)
class Point:
    """A place on Earth in degrees, WGS 84.

    Raises:
        ValueError: not a finite number, latitude outside -90 to 90 or longitude outside -180 to 180.
    """

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        """Refuse what is no place."""
        if not (-90.0 <= self.latitude <= 90.0 and -180.0 <= self.longitude <= 180.0):
            raise ValueError("A point has a latitude from -90 to 90 and a longitude from -180 to 180 degrees.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A free unicorn near a pickup."""

    number: int
    unicorn_id: UUID
    name: str
    position: Point


@dataclass(frozen=True, kw_only=True, slots=True)
class ReservedUnicorn:
    """The unicorn that serves a booking; `distance_m` and `eta_seconds` are from where it was when it was reserved."""

    unicorn_id: UUID
    name: str
    distance_m: int
    eta_seconds: int


def distance_m(a: Point, b: Point) -> float:
    """Metres along the great circle (haversine; within 0.6 % of the ellipsoid)."""
    phi_a, phi_b = math.radians(a.latitude), math.radians(b.latitude)
    half_height = math.sin((phi_b - phi_a) / 2) ** 2
    half_width = math.sin(math.radians(b.longitude - a.longitude) / 2) ** 2
    chord = half_height + math.cos(phi_a) * math.cos(phi_b) * half_width
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def eta_seconds(distance: float) -> int:
    """How long a unicorn takes over so many metres, in whole seconds."""
    return TIME_TO_TAKE_OFF_S + math.ceil(distance / CRUISING_SPEED_M_S)


def cell_of(point: Point) -> int:
    """The H3 cell a point lies in, as the integer that is stored."""
    return int(h3.str_to_int(h3.latlng_to_cell(point.latitude, point.longitude, CELL_RESOLUTION)))


def cells_within(point: Point, rings: int) -> list[int]:
    """The point's cell and all cells at most `rings` steps away."""
    cell = h3.latlng_to_cell(point.latitude, point.longitude, CELL_RESOLUTION)
    return [h3.str_to_int(each) for each in h3.grid_disk(cell, rings)]


def covered_m(point: Point, rings: int) -> float:
    """How far from the point everything surely lies in `cells_within(point, rings)`, in metres.

    Cells n steps apart have centres at least 1.5·n edges apart, and no point of a cell is farther than one edge from its
    centre. Edges differ from cell to cell, so the shortest of the pickup's own cell counts, with a margin of a tenth.
    """
    corners = [Point(*corner) for corner in h3.cell_to_boundary(h3.int_to_str(cell_of(point)))]
    edge = min(distance_m(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True))
    return max(0.0, 1.5 * (rings + 1) - 2.0) * edge * 0.9


def by_distance(pickup: Point, candidates: Iterable[Candidate]) -> list[tuple[float, Candidate]]:
    """Nearest first, with the distance in metres; equally near ones in the order of their numbers."""
    measured = [(distance_m(pickup, candidate.position), candidate) for candidate in candidates]
    return sorted(measured, key=lambda pair: (pair[0], pair[1].number))
