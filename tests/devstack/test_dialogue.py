import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from wildrydes.devstack.dialogue import JobNotDone, book_for
from wildrydes.devstack.errors import StackError
from wildrydes.devstack.logins import Login, Logins

ALICE = Login(
    url="http://acme.localhost:8000", tier="basic", email="alice@acme.example", password="a long secret of hers"
)
TOKEN = "eyJ" + "x" * 400


class Api(ThreadingHTTPServer):
    """An API that answers as it is told, in that order; for the visitor's side of the conversation only."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.questions: list[tuple[str, str, dict[str, str]]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.questions.append((self.command, self.path, dict(self.headers)))
        status, body = self.server.answers.pop(0)
        data = json.dumps(body).encode()
        self.send_response(status)
        if status == 202:
            self.send_header("Location", "/api/v1/operations/1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815 - the base class looks for this name

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def api() -> Iterator[Any]:
    made: list[Api] = []

    def make(*answers: tuple[int, dict[str, Any]]) -> Api:
        made.append(Api(*answers))
        return made[-1]

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


def talk(server: Api) -> list[str]:
    shown: list[str] = []
    port = server.server_address[1]
    book_for([ALICE], base_url=f"http://127.0.0.1:{port}", show=shown.append)
    return shown


def test_the_job_is_a_token_a_booking_a_wait_and_points(api) -> None:
    server = api(
        (200, {"access": TOKEN}),
        (200, {"balance": 5}),
        (202, {"status": "accepted"}),
        (200, {"status": "running"}),
        (200, {"status": "succeeded", "result": {"unicorn": {"name": "Shadowfax"}}}),
        (200, {"balance": 5}),
        (200, {"balance": 17}),
        (200, {"balance": 17}),
        (200, {"balance": 17}),
    )

    shown = talk(server)

    paths = [path for _, path, _ in server.questions]
    ride = ["/api/v1/bookings", *["/api/v1/operations/1"] * 2]
    assert paths == ["/api/v1/auth/token", "/api/v1/loyalty", *ride, *["/api/v1/loyalty"] * 4]
    assert {headers["Host"] for _, _, headers in server.questions} == {"acme.localhost:8000"}
    assert server.questions[2][2]["Authorization"] == f"Bearer {TOKEN}"
    assert server.questions[2][2]["Idempotency-Key"]
    assert "Shadowfax comes" in shown[-1]
    assert "12 points" in shown[-1]


def test_what_is_shown_holds_no_whole_token(api) -> None:
    server = api((200, {"access": TOKEN}), (200, {"balance": 0}), (503, {"title": "later"}))

    with pytest.raises(JobNotDone) as raised:
        talk(server)

    assert TOKEN not in str(raised.value)
    assert "/api/v1/bookings: 503" in str(raised.value)


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
def test_a_ride_that_ends_otherwise_is_not_the_job_done(api, status: str) -> None:
    server = api(
        (200, {"access": "t"}), (200, {}), (202, {}), (200, {"status": status, "error": {"title": "No unicorn"}})
    )

    with pytest.raises(JobNotDone, match=f"ended as {status}: .*No unicorn"):
        talk(server)


def test_nobody_listening_is_the_reason(api) -> None:
    server = api()
    server.shutdown()
    server.server_close()

    with pytest.raises(JobNotDone, match="was not answered"):
        talk(server)


@pytest.mark.parametrize("content", [None, "", "[]", '{"tenants": [{"url": "x"}]}', '{"tenants": 1}'])
def test_logins_that_are_not_whole_say_what_to_run(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "demo.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(StackError, match="seed_demo"):
        Logins.read(path)
