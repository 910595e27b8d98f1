"""A sample of the sweep; `make crashpoints` does all of it and prints the table."""

import os
import re
import subprocess
import sys

from tests.crashpoints.forking import FAILED, in_child, in_children
from tests.support.servers import ROOT

SAMPLE = 24
LEAST_POINTS = 90  # of six rides; far fewer would mean that the instrumentation sees nothing any more


def test_a_process_that_dies_at_any_point_of_a_ride_costs_time_and_nothing_else() -> None:
    command = [sys.executable, "-m", "tests.crashpoints", "--sample", str(SAMPLE), "--seed", "3"]

    # In a process of its own, which forks freely: this one has threads and connections.
    ran = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=240)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    verdict = ran.stdout.strip().splitlines()[-1]
    found = re.fullmatch(r"crashpoints: PASS points=(\d+) blows=(\d+) of=(\d+) right=(\d+) \(100\.0%\) .*", verdict)
    assert found, verdict
    points, blows, possible, right = map(int, found.groups())
    assert points >= LEAST_POINTS
    assert (blows, right, possible) == (SAMPLE, SAMPLE, 3 * points)
    for kind in ("COMMIT", "wake-up", "POST /v1/charges", "… messaging_delivery"):
        assert kind in ran.stdout


def test_a_child_says_what_it_found_and_how_it_ended() -> None:
    assert in_child(lambda: {"found": 1}).said == {"found": 1}
    assert in_child(lambda: os._exit(86)).status == 86
    failed = in_child(lambda: 1 / 0)
    assert failed.status == FAILED
    assert "ZeroDivisionError" in failed.said
    assert [ended.said for ended in in_children([lambda: 1, lambda: 2, lambda: 3], jobs=2)] == [1, 2, 3]
