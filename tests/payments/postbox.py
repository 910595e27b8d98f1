"""A server that takes a provider's notifications as they come over the wire, for tests that hand them on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.crew import eventually


@dataclass(frozen=True)
class Letter:
    body: bytes
    headers: dict[str, str]


class Postbox:
    def __init__(self, url: str, letters: list[Letter]) -> None:
        self.url = url
        self.letters = letters

    def wait_for(self, count: int) -> list[Letter]:
        eventually(lambda: len(self.letters) >= count, within=15, what=f"{count} notifications")
        return list(self.letters)


@contextmanager
def postbox() -> Iterator[Postbox]:
    letters: list[Letter] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            letters.append(Letter(body, {name: value for name, value in self.headers.items() if "ignature" in name}))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Postbox(f"http://127.0.0.1:{server.server_address[1]}/hook", letters)
    finally:
        server.shutdown()
        server.server_close()
