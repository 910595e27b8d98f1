import socket
from collections.abc import Iterator

import pytest

from wildrydes.devstack import Ports
from wildrydes.devstack.errors import PortInUse, StackError


@pytest.fixture
def used() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_free_ports_differ() -> None:
    ports = Ports.free()

    assert len({ports.web, ports.payments, ports.finance, ports.unicorns}) == 4


def test_a_used_port_is_named_with_the_variable_that_changes_it(used: int) -> None:
    with pytest.raises(PortInUse, match=rf"Port {used} for the web is in use: .*PORT=<port>"):
        Ports.of_environment({"PORT": str(used)})


def test_a_simulator_without_a_port_of_its_own_gives_way(used: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Ports.of_environment.__func__.__globals__["SIMULATOR_DEFAULTS"], "finance", used)

    ports = Ports.of_environment({"PORT": "0"})

    assert ports.finance != used


def test_a_simulator_that_was_told_its_port_does_not(used: int) -> None:
    with pytest.raises(PortInUse, match="FINANCE_PORT"):
        Ports.of_environment({"PORT": "0", "FINANCE_PORT": str(used)})


@pytest.mark.parametrize("value", ["eighty", "-1", "65536", "8000.0", "٨٠٠٠", " 8000"])
def test_what_is_no_port_is_refused(value: str) -> None:
    with pytest.raises(StackError, match="is no port"):
        Ports.of_environment({"PORT": value})


def test_zero_takes_any_free_one() -> None:
    zeros = dict.fromkeys(("PORT", "PAYMENTS_PORT", "FINANCE_PORT", "UNICORNS_PORT", "METRICS_PORT"), "0")

    assert 0 not in vars(Ports.of_environment(zeros)).values()
