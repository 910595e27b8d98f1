"""The two commands of the README, as their user types them; and what a power cut between them leaves behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import OWN_SERVERS
from wildrydes.devstack import Layout
from wildrydes.devstack.layout import REPOSITORY
from wildrydes.devstack.record import Record

ANY_PORTS = dict.fromkeys(("PORT", "PAYMENTS_PORT", "FINANCE_PORT", "UNICORNS_PORT"), "0")


def command(name: str) -> list[str]:
    return [sys.executable, "-m", "wildrydes.devstack", name]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    environment = {**os.environ, **OWN_SERVERS, **ANY_PORTS, "WILDRYDES_VAR": str(tmp_path / "var")}
    yield environment
    subprocess.run(command("reset"), cwd=REPOSITORY, env=environment, check=True, capture_output=True)


@pytest.mark.timeout(600)
def test_a_stack_that_was_killed_is_taken_over_and_does_the_job(environment: dict[str, str], tmp_path: Path) -> None:
    layout = Layout(tmp_path / "var")
    with subprocess.Popen(command("up"), cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as up:
        shown = []
        for line in up.stdout or ():
            shown.append(line)
            if "serving until Ctrl-C" in line:
                break
        up.send_signal(signal.SIGKILL)
    assert "serving until Ctrl-C" in shown[-1], "".join(shown[-20:])
    orphans = list(Record.read(layout.record).processes.values())
    assert all(orphan.is_alive() for orphan in orphans)

    demo = subprocess.run(command("demo"), cwd=REPOSITORY, env=environment, capture_output=True, text=True)

    assert demo.returncode == 0, demo.stderr + demo.stdout[-3000:]
    assert f"ended {len(orphans)} processes of an earlier run" in demo.stdout
    assert "PostgreSQL runs already" in demo.stdout
    assert demo.stdout.count(" comes; confirmed after ") == 3
    assert not any(orphan.is_alive() for orphan in orphans)
    assert not any(process.is_alive() for process in Record.read(layout.record).processes.values())
    status = subprocess.run(command("status"), cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert status.returncode == 3
