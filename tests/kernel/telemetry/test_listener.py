"""The listener, asked over HTTP as Prometheus and a container's health check do."""

import http.client
import json
import logging
import socket
from collections.abc import Callable, Iterator

import pytest

from wildrydes.kernel.telemetry import Health, Listener, Part, Pulse, listen

WELL = Health(())


@pytest.fixture
def ask() -> Iterator[Callable[..., tuple[int, str]]]:
    started: list[Listener] = []
    connections: list[http.client.HTTPConnection] = []

    def asked(path: str, *, health: Health | Exception = WELL, pulse: Pulse | None = None, method: str = "GET"):
        def look() -> Health:
            if isinstance(health, Exception):
                raise health
            return health

        listener = Listener("sweeper", pulse=pulse or Pulse(tolerance=5), look=look)
        port = listener.start("127.0.0.1", 0)
        started.append(listener)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connections.append(connection)
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    yield asked
    for connection in connections:
        connection.close()
    for listener in started:
        listener.stop()


def test_metrics_tell_that_the_process_is_there(ask):
    status, text = ask("/metrics")
    assert status == 200
    assert 'wildrydes_process_heartbeat_timestamp_seconds{process="sweeper"}' in text


def test_a_process_that_hangs_is_not_alive_and_says_since_when(ask):
    status, text = ask("/healthz", pulse=Pulse(tolerance=-1))
    assert status == 503
    assert "main loop has not come round" in json.loads(text)["reason"]
    assert ask("/healthz")[0] == 200


def test_ready_says_what_is_missing_and_why(ask):
    away = Health((Part(name="database", trouble="PostgreSQL does not answer"), Part(name="broker")))
    status, text = ask("/readyz", health=away)
    assert status == 503
    told = json.loads(text)
    assert (told["status"], told["database"], told["broker"]) == ("unavailable", "PostgreSQL does not answer", "ok")


def test_what_is_only_wanted_is_told_and_does_not_count(ask):
    status, text = ask("/readyz", health=Health((Part(name="sweeper", trouble="no sweeper runs", needed=False),)))
    assert (status, json.loads(text)["sweeper"]) == (200, "no sweeper runs")


def test_a_probe_that_breaks_is_told(ask):
    status, text = ask("/readyz", health=RuntimeError("secret"))
    assert status == 503
    assert "RuntimeError" in text
    assert "secret" not in text


@pytest.mark.parametrize("path", ["/", "/metrics/x", "/%00", "/../metrics"])
def test_there_is_nothing_else(ask, path):
    assert ask(path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "DELETE", "BREW"])
def test_nothing_can_be_sent(ask, method):
    assert ask("/metrics", method=method)[0] == 501


def test_a_silent_client_does_not_hold_up_the_next(ask, monkeypatch):
    monkeypatch.setattr("wildrydes.kernel.telemetry.listener._Handler.timeout", 0.2)
    listener = Listener("sweeper", pulse=Pulse(tolerance=5), look=lambda: Health(()))
    port = listener.start("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", port)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()
    listener.stop()


@pytest.mark.parametrize("port", ["taken", "seventy", "99999999"])
def test_a_port_that_cannot_be_had_is_told_and_costs_nothing_else(monkeypatch, caplog, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("METRICS_PORT", str(other.getsockname()[1]) if port == "taken" else port)
        with caplog.at_level(logging.ERROR):
            listen(Listener("sweeper", pulse=Pulse(tolerance=5), look=lambda: Health(())))
    assert "no metrics are served" in caplog.text


def test_two_processes_may_share_a_port(monkeypatch):
    one, two = (Listener("web", pulse=Pulse(tolerance=5), look=lambda: Health(())) for _ in range(2))
    port = one.start("127.0.0.1", 0)
    assert two.start("127.0.0.1", port) == port
    one.stop()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    two.stop()
