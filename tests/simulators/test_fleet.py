"""The simulated fleet at work, against a product that stands in for ours."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulators.checking import Rejected
from simulators.unicorns.herd import Herd
from simulators.unicorns.temper import Moods
from tests.simulators.conftest import Simulator


class Product:
    """Takes what the fleet says and asks what it is told to ask."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.answers: list[bytes] = []
        product = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = product.answer(urlsplit(self.path).path.rpartition("/")[2], body)
                told = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def do_POST(self) -> None:
                self.do_GET()

            def do_PUT(self) -> None:
                self.do_GET()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, what: str, body: bytes) -> dict[str, Any]:
        if what == "token":
            assert json.loads(body) == {"credential": "c", "secret": "s"}
            return {"access": "t", "expires_in": 600}
        if what == "positions":
            self.positions += json.loads(body)["positions"]
        if what == "answers":
            self.answers.append(body)
        return {"items": self.requests if what == "requests" else []}


@pytest.fixture
def product() -> Iterator[Product]:
    made = Product()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def fleet(product: Product, tmp_path: Path) -> Iterator[Simulator]:
    file = tmp_path / "fleet.json"
    simulator = Simulator(
        "unicorns", tmp_path, "--count", "5", "--fleet-url", product.url, "--fleet-credentials", str(file)
    )
    file.write_text('{"credential": "c", "secret": "s"}')
    yield simulator
    simulator.end()


def until(there: Callable[[], Any], seconds: float = 20.0) -> Any:
    give_up = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < give_up, "it never came"
        time.sleep(0.02)
    return found


def question(number: int, *, answer_within: float = 60.0) -> dict[str, Any]:
    return {
        "correlation_id": f"{number:032x}", "reply_to": "x" * 100, "unicorn": Herd().ids()[0], "distance_m": 5_000,
        "pickup": {"latitude": 36.1, "longitude": -115.1}, "currency": "USD",
        "answer_by": (datetime.now(UTC) + timedelta(seconds=answer_within)).isoformat(),
    }  # fmt: skip


def test_it_waits_for_its_credential_and_reports_where_it_is(product: Product, fleet: Simulator) -> None:
    positions = until(lambda: product.positions)
    assert {each["unicorn"] for each in positions} == set(Herd(count=5).ids())
    assert set(positions[0]) == {"unicorn", "latitude", "longitude", "available"}


@pytest.mark.parametrize("kind", ["offer", "decline", "twice", "late", "garbage", "forged"])
def test_each_temper(kind: str, product: Product, fleet: Simulator) -> None:
    dials = {
        f"{each}_rate": float(each == kind) for each in ("silent", "decline", "late", "garbage", "forged", "twice")
    }
    assert fleet.call("PUT", "/fleet/dials", {**dials, "answer_min_ms": 1, "answer_max_ms": 1}).status == 200
    asked = question(1, answer_within=0.5)
    product.requests = [asked]
    until(lambda: len(product.answers) == (2 if kind == "twice" else 1))
    came_at = datetime.now(UTC)
    if kind == "garbage":
        return
    for body in product.answers:
        told = json.loads(body)
        assert told["correlation_id"] == asked["correlation_id"]
        assert (told["reply_to"] == asked["reply_to"]) == (kind != "forged")
        assert ("decline" in told) == (kind == "decline")
    assert kind != "late" or came_at > datetime.fromisoformat(asked["answer_by"])
    assert fleet.call("GET", "/fleet").json()["counts"][kind] == 1


def test_a_request_is_answered_once_and_pushes_need_a_signature(product: Product, fleet: Simulator) -> None:
    fleet.call("PUT", "/fleet/dials", {"silent_rate": 1, "decline_rate": 0, "late_rate": 0, "garbage_rate": 0,
                                       "forged_rate": 0, "twice_rate": 0})  # fmt: skip
    product.requests = [question(1), question(2)]
    until(lambda: fleet.call("GET", "/fleet").json()["counts"].get("asked") == 2)
    assert fleet.call("POST", "/fleet/hook", {"type": "request.asked"}).status == 401


def test_the_dice_can_be_repeated_and_dials_are_checked() -> None:
    def thrown(seed: int) -> list[Any]:
        moods = Moods()
        moods.set({"seed": seed})
        return [moods.throw() for _ in range(200)]

    assert thrown(7) == thrown(7) != thrown(8)
    assert len({mood.kind for mood in thrown(7)}) == 7
    for wrong in ({"late_rate": 2}, {"late_rate": 0.6, "silent_rate": 0.6}, {"colour": 1}, {"answer_min_ms": "1"}):
        with pytest.raises(Rejected):
            Moods().set(wrong)
