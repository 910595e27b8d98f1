"""Answers that are no answers: whatever a provider says, nothing is booked that it did not say clearly."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from messaging.errors import OutcomeUnknown, Retry
from payments.providers.base import ProviderRefused
from tests.payments.providers.conformance.conftest import Stage

GARBAGE: dict[str, tuple[int, bytes]] = {
    "empty": (200, b""),
    "no json": (200, b"<html>all is well</html>"),
    "null": (200, b"null"),
    "list": (200, b"[]"),
    "text": (200, b'"succeeded"'),
    "empty object": (200, b"{}"),
    "not utf-8": (200, b'{"id": "\xff"}'),
    "half": (200, b'{"id": "ch_1", "status": "succ'),
    "another's": (200, b'{"id": "x", "object": "charge", "status": "succeeded", "amount": 1, "currency": "USD"}'),
    "no id": (200, b'{"status": "succeeded", "amount": 1250, "currency": "USD", "amount_received": 1250}'),
    "data of nothing": (200, b'{"data": [null, 7]}'),
    "data no list": (200, b'{"data": "x"}'),
    "accepted": (202, b"{}"),
    "no content": (204, b""),
    "elsewhere": (302, b""),
    "teapot": (418, b"short and stout"),
    "error no object": (400, b'{"error": "no"}'),
    "500 in html": (500, b"<html>"),
    "502": (502, b""),
    "504": (504, b'{"error": {"type": "api_error"}}'),
    "too large": (200, b"{" + b" " * 2_000_000 + b"}"),
    "deep": (200, b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
}


@pytest.fixture
def babble() -> Iterator[Any]:
    """A server that answers whatever it is told to."""
    say: list[tuple[int, bytes]] = [(200, b"")]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = say[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:9/")
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  # the server looks for it by this name

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", say
    server.shutdown()
    server.server_close()


def test_nothing_is_read_into_garbage(stage: Stage, babble: Any) -> None:
    url, say = babble
    stage.access = replace(stage.access, base_url=url, timeout=5.0)
    order, refund = stage.order(), stage.refund_order("ch_1")
    known = replace(order, ref="pi_1")
    asks = {
        "charge": lambda: stage.provider.charge(order, remember=lambda ref: None),
        "charge known": lambda: stage.provider.charge(known, remember=lambda ref: None),
        "find": lambda: stage.provider.find_charge(order),
        "find known": lambda: stage.provider.find_charge(known),
        "refund": lambda: stage.provider.refund(refund),
        "find refund": lambda: stage.provider.find_refund(refund),
    }
    for name, answer in GARBAGE.items():
        say[0] = answer
        for step, ask in asks.items():
            with pytest.raises((Retry, OutcomeUnknown, ProviderRefused)) as caught:
                pytest.fail(f"{name} was taken for {ask()} by {step}")
            told = str(caught.value)
            assert "\n" not in told
            assert len(told) < 300
