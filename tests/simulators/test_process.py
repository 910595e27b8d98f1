import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from tests.simulators.conftest import ROOT, Customer, Simulator


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulators", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("payments", "--port", str(taken.getsockname()[1]), "--data", str(tmp_path))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "choose another --port" in result.stderr


def test_two_simulators_do_not_share_a_file(tmp_path: Path) -> None:
    first = Simulator("finance", tmp_path)
    result = run("finance", "--port", "0", "--data", str(tmp_path))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "in use by another simulator" in result.stderr
    assert first.end() == 0


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "payments.jsonl").write_text('{"kind":"charge"\nmore\n')
    result = run("payments", "--port", "0", "--data", str(tmp_path))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "damaged in line 1" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("dragons",),
        ("payments", "--port", "99999"),
        ("unicorns", "--port", "0", "--data", "x", "--count", "-1"),
        ("unicorns", "--port", "0", "--data", "x", "--lat", "nan"),
    ],
)
def test_wrong_arguments_are_explained(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "usage" in result.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_even_while_calls_hang(tmp_path: Path, how: signal.Signals) -> None:
    simulator = Simulator("payments", tmp_path)
    customer = Customer(simulator)
    customer.dials(timeout_after_rate=1, operations=["charge"])
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        customer.charge(timeout=0.2)
    simulator.process.send_signal(how)
    assert simulator.process.wait(5) == 0
    assert simulator.process.stderr
    assert "Traceback" not in simulator.process.stderr.read()


def test_healthz(payments: Simulator) -> None:
    assert payments.call("GET", "/healthz").json() == {"status": "ok", "simulator": "payments"}
