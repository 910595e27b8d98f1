import math

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.domain import (
    EARTH_RADIUS_M,
    SEARCH_RINGS,
    Candidate,
    Point,
    by_distance,
    cell_of,
    cells_within,
    covered_m,
    distance_m,
    eta_seconds,
)
from wildrydes.kernel.ids import new_id

points = st.builds(Point, st.floats(-85, 85), st.floats(-180, 180))


def test_distance_between_known_places():
    paris, london = Point(48.8566, 2.3522), Point(51.5074, -0.1278)
    assert distance_m(paris, london) == pytest.approx(343_556, rel=0.001)
    assert distance_m(Point(0, 0), Point(0, 180)) == pytest.approx(math.pi * EARTH_RADIUS_M)
    assert distance_m(Point(10, 179.99), Point(10, -179.99)) < 2_300


@given(points, points)
def test_distance_is_a_distance(a, b):
    assert distance_m(a, a) == 0
    assert distance_m(a, b) == pytest.approx(distance_m(b, a))
    assert 0 <= distance_m(a, b) <= math.pi * EARTH_RADIUS_M * 1.000001


@pytest.mark.parametrize("place", [(90.1, 0), (-91, 0), (0, 180.5), (math.nan, 0), (0, math.inf)])
def test_what_is_no_place_is_refused(place):
    with pytest.raises(ValueError, match="latitude"):
        Point(*place)


@given(points, st.sampled_from(SEARCH_RINGS), st.floats(0, 2 * math.pi), st.floats(0, 1))
def test_everything_within_the_covered_distance_is_in_the_cells(pickup, rings, bearing, share):
    """The promise that makes the nearest one the nearest one: no unicorn closer than `covered_m` is overlooked."""
    angle = covered_m(pickup, rings) * share * 0.999 / EARTH_RADIUS_M
    phi, lam = math.radians(pickup.latitude), math.radians(pickup.longitude)
    phi_there = math.asin(math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(bearing))
    lam_there = lam + math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * math.sin(phi_there)
    )
    there = Point(math.degrees(phi_there), (math.degrees(lam_there) + 540) % 360 - 180)
    assert cell_of(there) in cells_within(pickup, rings)


def test_the_search_reaches_far_and_grows():
    vegas = Point(36.1147, -115.1728)
    reach = [covered_m(vegas, rings) for rings in SEARCH_RINGS]
    assert reach == sorted(reach)
    assert reach[0] > 1_000
    assert 18_000 < reach[-1] < 35_000


def test_cells_are_h3_indexes_of_one_resolution():
    cell = h3.int_to_str(cell_of(Point(36.1147, -115.1728)))
    assert h3.is_valid_cell(cell)
    assert h3.get_resolution(cell) == 7


def test_nearest_first_and_ties_by_number():
    pickup = Point(0, 0)

    def at(number, longitude):
        return Candidate(number=number, unicorn_id=new_id(), name="x", position=Point(0, longitude))

    ordered = by_distance(pickup, [at(3, 0.2), at(2, 0.1), at(1, 0.2)])
    assert [candidate.number for _, candidate in ordered] == [2, 1, 3]


def test_a_longer_way_takes_longer():
    assert eta_seconds(0) == 30
    assert eta_seconds(1_200) == 130
