"""The web server's worker: gunicorn's own, whose refusals are problem documents as well.

A request that gunicorn cannot parse (a URL or header beyond its limits, two Content-Lengths) never reaches Django.
"""

import json
from typing import Any

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


class ProblemWorker(ThreadWorker):
    """Threads; `wildrydes/gunicorn.py` names it as `worker_class`."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Told to stop: whoever waits for an operation (`Prefer: wait`) is answered now, with the operation as it stands."""
        stopping.set()
        super().handle_exit(sig, frame)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pulse = Pulse(tolerance=20.0)

    def notify(self) -> None:
        """The worker's loop came round."""
        super().notify()
        self.pulse.beat()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not be served, in gunicorn's words for the log and ours for the client."""
        super().handle_error(req, _Translating(client), addr, exc)


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
