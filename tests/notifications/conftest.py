"""The real finance simulator, a receiver that answers as a test scripts it, and a company that wants to be told."""

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from django.db import transaction

from bookings.events import BookingConfirmed
from messaging.services import publish
from notifications import services
from tests.simulators.conftest import Simulator, running
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound


@pytest.fixture(autouse=True)
def loopback_is_allowed() -> None:
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))


@pytest.fixture(scope="session")
def finance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    yield from running("finance", tmp_path_factory.mktemp("finance"))


class Receiver(BaseHTTPRequestHandler):
    """Answers with the scripted statuses in order, the last one for ever."""

    script: ClassVar[list[tuple[int, dict[str, str]]]] = []
    received: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append({"path": self.path, "headers": dict(self.headers), "body": body})
        status, headers = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.send_response(status)
        for name, value in {"content-length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Any]:
    """A class whose `script` and `received` belong to the test; `url` is its address."""

    class Mine(Receiver):
        script: ClassVar[list[tuple[int, dict[str, str]]]] = [(200, {})]
        received: ClassVar[list[dict[str, Any]]] = []
        url = ""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    Mine.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Mine
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def endpoint() -> Callable[[str], str]:
    """Sets the company's endpoint; answers its secret. To be used inside the tenant's schema."""

    def configure(url: str) -> str:
        with transaction.atomic():
            secret = services.set_endpoint(url=url).secret
        assert secret
        return secret

    return configure


@pytest.fixture
def confirm() -> Callable[..., uuid.UUID]:
    """Publishes that a ride is confirmed; answers the message's id."""

    def happen(**about: Any) -> uuid.UUID:
        event = {
            "booking_id": uuid.uuid4(),
            "user_id": uuid.uuid4(),
            "reference": "Zürich 🦄",
            "fare_minor": 1_031,
            "currency": "USD",
            "pickup_at": datetime.now(tz=UTC),
            "unicorn_id": uuid.uuid4(),
            "unicorn_name": "Nimbus",
            "expected_pickup_at": datetime.now(tz=UTC),
            "paid_by": "card",
        }
        with transaction.atomic():
            return publish(BookingConfirmed(**{**event, **about}))

    return happen
