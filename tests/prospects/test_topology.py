"""No route can be forgotten: a dry run has to know what every one of them would do."""

import pytest

from wildrydes.topology import ROUTES


@pytest.mark.parametrize("route", ROUTES, ids=[route.name for route in ROUTES])
def test_every_route_can_be_foreseen(route):
    assert route.foresee is not None, f"give {route.name} a `foresee` (see messaging/prospects.py)"
