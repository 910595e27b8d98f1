"""What the web server refuses before Django sees it is a problem document too."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The product as gunicorn serves it: its hooks need the settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "wildrydes/gunicorn.py", "wildrydes.wsgi"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PORT": str(port), "WEB_WORKERS": "1"})
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


@pytest.fixture(autouse=True)
def sample_endpoints() -> None:
    """No Django here."""


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: 1\r\n" * 100 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET /\xc3\xbc HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"secret garbage\r\n\r\n", 400),
    ],
)
def test_a_request_that_cannot_be_parsed(server: int, request_head: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", server), timeout=10) as session:
        session.sendall(request_head)
        session.shutdown(socket.SHUT_WR)
        answer = b""
        while part := session.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert b"secret" not in answer
