"""Real servers on loopback that answer byte for byte what a test says, and clients that may reach them."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from wildrydes.kernel.http import AllowList, OutboundClient, OutboundConfig

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = Callable[[socket.socket, bytes], bool | None]
"""Gets the connection and the whole request; returns True to keep the connection for another request."""


def always(data: bytes, *, keep: bool = False) -> Answer:
    def answer(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(data)
        return keep

    return answer


def redirect(location: str, status: int = 302) -> Answer:
    return always(
        f"HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    )


@dataclass
class RawServer:
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    finished: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def raw_server(answer: Answer, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[RawServer]:
    listener = socket.create_server((host, 0))
    server = RawServer(port=listener.getsockname()[1])

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            stream = context.wrap_socket(connection, server_side=True) if context else connection
            server.connections += 1
            with stream:
                while (request := read_request(stream)) is not None:
                    server.requests.append(request)
                    if not answer(stream, request):
                        break
        server.finished.set()

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def read_request(connection: socket.socket) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def loopback_client(**changes: object) -> OutboundClient:
    settings: dict[str, object] = {
        "allow": AllowList.parse("127.0.0.0/8,[::1]"),
        "connect_timeout": 2.0,
        "read_timeout": 2.0,
        "total_timeout": 4.0,
    }
    resolver = changes.pop("resolver", None)
    config = OutboundConfig(**{**settings, **changes})  # type: ignore[arg-type]
    return OutboundClient(config, resolver=resolver) if resolver else OutboundClient(config)  # type: ignore[arg-type]


@pytest.fixture
def client() -> Iterator[OutboundClient]:
    made = loopback_client()
    yield made
    made.close()
