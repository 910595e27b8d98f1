"""Counting in several processes, each a real one: what they tell together, and what stays of those that die."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = """
import os, signal, sys
from wildrydes.kernel.telemetry import Counter, Histogram, begin_group, retire_dead, scrape
done = Counter("things_done", "Things.", ("kind",))
took = Histogram("things_took_seconds", "Time.", buckets=(1.0, 2.0))
"""


def run(directory: Path, program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", COUNT + program],
        env={**os.environ, "METRICS_DIR": str(directory)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.stdout


CHILDREN = """
for number in range(3):
    child = os.fork()
    if child == 0:
        done.labels("child").inc(2); took.observe(1.5)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
done.labels("parent").inc()
"""


def test_the_dead_keep_counting_and_leave_no_files(tmp_path: Path) -> None:
    told = run(tmp_path, f"begin_group(){CHILDREN}\nprint(scrape().decode())\nprint(scrape().decode())")

    # Told twice, the same both times.
    assert told.count('things_done_total{kind="child"} 6.0') == 2
    assert told.count('things_done_total{kind="parent"} 1.0') == 2
    assert told.count('things_took_seconds_bucket{le="2.0"} 3.0') == 2
    assert told.count("things_took_seconds_sum 4.5") == 2
    # The one that was alive when it was asked, and the sum of the dead.
    assert len(list(tmp_path.glob("counter_*.db"))) == 2
    assert len(list(tmp_path.glob("*.db"))) <= 4


def test_a_hundred_deaths_leave_one_file_of_each_kind(tmp_path: Path) -> None:
    run(tmp_path, CHILDREN.replace("range(3)", "range(100)") + "\nretire_dead()")
    files = sorted(path.name for path in tmp_path.glob("*_0.db"))
    assert files == ["counter_0.db", "histogram_0.db"]
    assert sum(path.stat().st_size for path in tmp_path.glob("*.db")) < 300_000


def test_a_new_group_begins_at_zero(tmp_path: Path) -> None:
    run(tmp_path, CHILDREN)
    assert "things_done_total" not in run(tmp_path, "begin_group()\nprint(scrape().decode())")


def test_somebody_elses_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rides.db").write_text("SQLite format 3")
    assert 'kind="me"} 1.0' in run(tmp_path, 'begin_group()\ndone.labels("me").inc()\nprint(scrape().decode())')
    assert (tmp_path / "rides.db").exists()


def test_a_broken_file_costs_its_own_figures_only(tmp_path: Path) -> None:
    (tmp_path / "counter_999999999.db").write_bytes(b"\xff" * 100)
    told = run(tmp_path, 'done.labels("me").inc()\nprint(scrape().decode())')
    assert 'things_done_total{kind="me"} 1.0' in told
    assert not (tmp_path / "counter_999999999.db").exists()


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null/metrics"], ids=["not-writable", "not-a-directory"])
def test_a_directory_that_cannot_be_used_costs_nothing_else(place: str) -> None:
    assert 'kind="me"} 1.0' in run(Path(place), 'done.labels("me").inc()\nprint(scrape().decode())')
