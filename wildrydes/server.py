"""The web server's worker: gunicorn's own, whose refusals are problem documents as well.

A request that gunicorn cannot parse (a URL or header beyond its limits, two Content-Lengths) never reaches Django.
"""

import errno
import json
import os
import socket
import time
from typing import Any

from gunicorn.http.errors import NoMoreData
from gunicorn.workers.gthread import ThreadWorker

from wildrydes.kernel.lifetime import stopping
from wildrydes.kernel.problems import CONTENT_TYPE, TYPE_PREFIX
from wildrydes.kernel.telemetry import Pulse

_REASONS = {
    400: ("bad-request", "The request cannot be read"),
    403: ("forbidden", "You may not do this"),
    414: ("uri-too-long", "The address is too long"),
    417: ("expectation-failed", "The expectation cannot be met"),
    431: ("headers-too-large", "The request's headers are too large"),
    500: ("internal-error", "Something went wrong on our side"),
    501: ("not-implemented", "The transfer coding is not supported"),
}


# For how long a thread waits for the whole of a request, and for its answer to be taken: whoever is slower is hung up on.
REQUEST_SECONDS = float(os.environ.get("WEB_REQUEST_SECONDS", "10"))


class TooSlow(NoMoreData, TimeoutError):
    """The rest of the request has not come in time."""


class ProblemWorker(ThreadWorker):
    """Threads; `wildrydes/gunicorn.py` names it as `worker_class`."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Told to stop: whoever waits for an operation (`Prefer: wait`) is answered now, with the operation as it stands."""
        stopping.set()
        super().handle_exit(sig, frame)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pulse = Pulse(tolerance=20.0)

    def handle(self, conn: Any) -> Any:
        """Serve a connection's next request, with an eye on the clock: a thread belongs to whoever sends a whole one."""
        if not isinstance(conn.sock, Hurried):
            conn.sock = Hurried(conn.sock, seconds=REQUEST_SECONDS)
        conn.sock.start()
        return super().handle(conn)

    def notify(self) -> None:
        """The worker's loop came round."""
        super().notify()
        self.pulse.beat()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not be served, in gunicorn's words for the log and ours for the client."""
        super().handle_error(req, _Translating(client), addr, exc)


class Hurried:
    """A client's socket on which a request has to arrive whole, and an answer to be taken, within `seconds` each.

    Gunicorn's own limits are for connections on which nothing has come yet; half a request would hold its thread for ever.
    """

    def __init__(self, client: socket.socket, *, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self.start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def start(self) -> None:
        """From now on a request is waited for."""
        self._until = time.monotonic() + self._seconds

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What has come.

        Raises:
            TooSlow: the request's time is over.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TooSlow
        self._client.settimeout(left)
        try:
            return self._client.recv(size, flags)
        except TimeoutError:
            raise TooSlow from None

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            BrokenPipeError: it was not taken in time.
        """
        self._client.settimeout(self._seconds)
        try:
            self._client.sendall(data)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "The answer is not taken.") from None

    def sendfile(self, *file: Any, **part: Any) -> int:
        """Send a file.

        Raises:
            BrokenPipeError: it was not taken in time.
        """
        self._client.settimeout(self._seconds)
        try:
            return self._client.sendfile(*file, **part)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "The answer is not taken.") from None


class _Translating:
    """The client's socket; the page that gunicorn writes to it becomes a problem document with the same status."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, page: bytes) -> None:
        """Send the document in place of the page."""
        self._client.sendall(problem_page(int(page.split(b" ", 2)[1])))


def problem_page(status: int) -> bytes:
    """A whole HTTP response for `status`; nothing of the request is repeated."""
    code, title = _REASONS.get(status, _REASONS[400])
    body = json.dumps(
        {
            "type": TYPE_PREFIX + code,
            "title": title,
            "status": status,
            "detail": "The web server could not accept the request; correct it and send it again.",
        }
    ).encode()
    head = [
        f"HTTP/1.1 {status} {title}",
        "Connection: close",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
