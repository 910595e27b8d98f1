"""Clients that send half a request, or do not take their answer, hold a thread for a while and not for ever."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
_APP = """
def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"read %d" % len(body)] if environ["PATH_INFO"] != "/much" else [b"x" * 50_000_000]
"""
_HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
_HALVES = {
    "half-a-head": _HEAD,
    "half-a-body": _HEAD + b"Content-Length: 9\r\n\r\n1234",
    "an-answer-that-nobody-takes": b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Two threads that wait one second for a request."""
    place = tmp_path_factory.mktemp("app")
    (place / "slow_app.py").write_text(_APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "2"]
    command += ["--worker-class", "wildrydes.server.ProblemWorker", "--no-control-socket", "--keep-alive", "15"]
    command.append("slow_app:app")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{place}", "WEB_REQUEST_SECONDS": "1"}
    process = subprocess.Popen(command, cwd=place, env=environment)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.parametrize("what", _HALVES)
def test_slow_clients_leave_room_for_others(server: int, what: str) -> None:
    slow = [socket.create_connection(("127.0.0.1", server)) for _ in range(6)]
    try:
        for each in slow:
            each.sendall(_HALVES[what])
        with socket.create_connection(("127.0.0.1", server), timeout=25) as session:
            session.sendall(_HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\nab")
            assert b"read 2" in session.makefile("rb").read()
    finally:
        for each in slow:
            each.close()


def test_a_trickle_is_not_patience(server: int) -> None:
    """A byte now and then starts nothing anew: the time is for the whole request."""
    with socket.create_connection(("127.0.0.1", server), timeout=25) as session:
        session.sendall(_HEAD + b"Content-Length: 1000\r\n\r\n")
        began = time.monotonic()
        with pytest.raises(OSError):  # a reset or a broken pipe, as the system sees it
            while time.monotonic() - began < 20:
                session.sendall(b"x")
                time.sleep(0.1)


def test_each_request_of_a_connection_has_the_whole_time(server: int) -> None:
    session = http.client.HTTPConnection("127.0.0.1", server, timeout=25)
    for _ in range(2):
        session.request("POST", "/", body=b"ab")
        assert session.getresponse().read() == b"read 2"
        time.sleep(1.2)  # longer than a request may take
