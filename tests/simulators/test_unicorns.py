import math
from itertools import pairwise
from pathlib import Path

import pytest

from simulators.unicorns.herd import Herd
from tests.simulators.conftest import Simulator


def test_the_herd_is_listed_with_stable_ids(unicorns: Simulator) -> None:
    first, second = (unicorns.call("GET", "/v1/unicorns").json()["data"] for _ in range(2))
    assert len(first) == 12
    assert [row["id"] for row in first] == [row["id"] for row in second] == Herd(count=12).ids()
    assert len({row["name"] for row in first}) == 12
    assert set(first[0]) >= {"id", "name", "capacity", "status", "latitude", "longitude", "updated_at"}
    one = unicorns.call("GET", f"/v1/unicorns/{first[0]['id']}").json()
    assert (one["id"], one["name"]) == (first[0]["id"], first[0]["name"])


def test_positions_follow_from_seed_and_time_and_stay_in_the_circle() -> None:
    herd = Herd(count=40, radius_km=8)
    for index in range(herd.count):
        path = [herd.unicorn(index, now=1e9 + 60 * minute, pin={}) for minute in range(90)]
        assert path[5] == Herd(count=40, radius_km=8).unicorn(index, now=1e9 + 300, pin={})
        away = [_km(row, herd.latitude, herd.longitude) for row in path]
        assert max(away) <= 8.05
        steps = [_km(row, earlier["latitude"], earlier["longitude"]) for earlier, row in pairwise(path)]
        assert 0 < max(steps) < 1.5, "they walk, they do not jump"
    other = Herd(count=40, seed=2).unicorn(0, now=1e9, pin={})
    assert other["id"] != herd.unicorn(0, now=1e9, pin={})["id"]


def test_most_are_available() -> None:
    herd = Herd(count=300)
    statuses = [herd.unicorn(index, now=1e9, pin={})["status"] for index in range(300)]
    assert 240 <= statuses.count("available") <= 290


def test_pins_hold_until_taken_back(unicorns: Simulator) -> None:
    path = f"/v1/unicorns/{Herd(count=12).ids()[3]}"
    pinned = unicorns.call("PUT", path, {"latitude": 1.5, "longitude": -2, "status": "off_duty"}).json()
    assert (pinned["latitude"], pinned["longitude"], pinned["status"]) == (1.5, -2.0, "off_duty")
    assert pinned["pinned"] == ["latitude", "longitude", "status"]
    assert unicorns.call("GET", path).json()["latitude"] == 1.5
    assert unicorns.call("PUT", path, {}).json()["pinned"] == []
    assert unicorns.call("GET", path).json()["latitude"] > 30


@pytest.mark.parametrize(
    "pin",
    [
        {"latitude": 1},
        {"latitude": 91, "longitude": 0},
        {"latitude": "1", "longitude": 0},
        {"latitude": True, "longitude": 0},
        {"status": "tired"},
        {"colour": "white"},
    ],
)
def test_impossible_pins_are_refused(unicorns: Simulator, pin: dict[str, object]) -> None:
    assert unicorns.call("PUT", f"/v1/unicorns/{Herd(count=12).ids()[0]}", pin).status == 422


def test_unknown_unicorns_are_not_found(unicorns: Simulator) -> None:
    assert unicorns.call("GET", "/v1/unicorns/x").status == 404
    assert unicorns.call("PUT", "/v1/unicorns/x", {}).status == 404


def test_dials_apply(unicorns: Simulator) -> None:
    unicorns.call("POST", "/dials/next", {"outcome": "error_before"})
    assert [unicorns.call("GET", "/v1/unicorns").status for _ in range(2)] == [500, 200]


def test_the_map_has_a_dot_for_each(unicorns: Simulator) -> None:
    assert unicorns.call("GET", "/").body.decode().count("<title>") == 13  # the page's own, and twelve


def test_pins_survive_sigkill(tmp_path: Path) -> None:
    simulator = Simulator("unicorns", tmp_path, "--count", "2", "--lat", "48.1", "--lng", "11.6", "--seed", "9")
    path = f"/v1/unicorns/{Herd(count=2, seed=9).ids()[0]}"
    assert abs(simulator.call("GET", path).json()["latitude"] - 48.1) < 0.1
    simulator.call("PUT", path, {"status": "off_duty"})
    simulator.end(kill=True)
    simulator.start()
    assert simulator.call("GET", path).json()["pinned"] == ["status"]
    assert simulator.end() == 0


def _km(row: dict[str, float], latitude: float, longitude: float) -> float:
    east = (row["longitude"] - longitude) * 111.32 * math.cos(math.radians(latitude))
    return math.hypot(east, (row["latitude"] - latitude) * 111.32)
