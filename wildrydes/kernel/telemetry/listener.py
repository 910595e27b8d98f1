"""The listener: `/metrics`, `/healthz` and `/readyz` of a process, on a port of their own that the public never reaches.

It runs in a thread and serves one request after the other; nothing it answers needs Django. `METRICS_PORT` says where; without
it a process has no listener.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer
from typing import Any, ClassVar

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from wildrydes.kernel.telemetry.directory import scrape
from wildrydes.kernel.telemetry.pulse import Pulse

_log = logging.getLogger(__name__)
_READ_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that a process needs. `trouble` says in words what is wrong with it; empty when nothing is.

    What is not `needed` is told and does not make the process unready.
    """

    name: str
    trouble: str = ""
    needed: bool = True


@dataclass(frozen=True)
class Health:
    """What a process needs, and whether it has it."""

    parts: tuple[Part, ...]

    @property
    def is_ready(self) -> bool:
        """Whether everything that is needed is there."""
        return not any(part.needed and part.trouble for part in self.parts)

    @property
    def reasons(self) -> list[str]:
        """What is wrong, one sentence each."""
        return [f"{part.name}: {part.trouble}" for part in self.parts if part.trouble]

    def document(self) -> dict[str, Any]:
        """As a probe's answer: each part with `ok` or what is wrong with it."""
        return {
            "status": "ready" if self.is_ready else "unavailable",
            **{part.name: part.trouble or "ok" for part in self.parts},
        }


class _Vitals(Collector):
    """That the process is there, since when it has been, and when its loop last came round."""

    def __init__(self, kind: str, pulse: Pulse) -> None:
        self._kind = kind
        self._pulse = pulse

    def collect(self) -> Iterator[GaugeMetricFamily]:
        beat = GaugeMetricFamily(
            "wildrydes_process_heartbeat_timestamp_seconds",
            "When the process's main loop last came round, as Unix time.",
            labels=["process"],
        )
        beat.add_metric([self._kind], self._pulse.last_beat)
        yield beat


class _Server(HTTPServer):
    """Several processes of a group may listen on the same port; whichever gets the connection answers for all."""

    listener: "Listener"
    request_queue_size = 16

    def server_bind(self) -> None:
        if hasattr(socket, "SO_REUSEPORT"):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        TCPServer.server_bind(self)  # HTTPServer's own asks the DNS for our name
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is none of the log's business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _READ_SECONDS  # one who says nothing must not hold the only thread
    server_version = "wildrydes"
    sys_version = ""
    _paths: ClassVar[dict[str, str]] = {"/metrics": "metrics", "/healthz": "alive", "/readyz": "ready"}

    def do_GET(self) -> None:
        page = self._paths.get(self.path.partition("?")[0])
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, b"There are /metrics, /healthz and /readyz.\n", "text/plain")
        else:
            self._answer(*getattr(self.server.listener, page)())

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Nothing per scrape."""


class Listener:
    """One process's listener.

    Args:
        kind: `web`, `worker`, `sweeper`, …: on the heartbeat's label.
        pulse: beaten by the process's main loop.
        look: what the process needs, asked for by `/readyz` only.
        collectors: what is not counted but looked at when asked, besides the group's counters.
    """

    def __init__(
        self, kind: str, *, pulse: Pulse, look: Callable[[], Health], collectors: tuple[Collector, ...] = ()
    ) -> None:
        self._kind = kind
        self._pulse = pulse
        self._look = look
        self._own = CollectorRegistry(auto_describe=False)
        for collector in (_Vitals(kind, pulse), *collectors):
            self._own.register(collector)
        self._server: _Server | None = None

    def start(self, host: str, port: int) -> int:
        """Listen; answers the port, which is any free one for 0.

        Raises:
            OSError: somebody else listens there.
        """
        self._server = _Server((host, port), _Handler)
        self._server.listener = self
        threading.Thread(target=self._server.serve_forever, name="telemetry", daemon=True).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """End the thread and close the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def metrics(self) -> tuple[int, bytes, str]:
        """Status, body and content type of `/metrics`."""
        return HTTPStatus.OK, scrape(self._own), CONTENT_TYPE_LATEST

    def alive(self) -> tuple[int, bytes, str]:
        """`/healthz`: whether the process's loop comes round. Nothing else is asked."""
        trouble = self._pulse.trouble
        told = {"status": "hanging", "reason": trouble} if trouble else {"status": "alive"}
        return _json(HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK, {"process": self._kind, **told})

    def ready(self) -> tuple[int, bytes, str]:
        """`/readyz`: whether the process can do its work, and what it lacks."""
        try:
            health = Health((Part(name="loop", trouble=self._pulse.trouble), *self._look().parts))
        except Exception as error:  # noqa: BLE001  # a probe that breaks is told as what is wrong
            health = Health((Part(name="probe", trouble=f"could not look: {type(error).__name__}"),))
        status = HTTPStatus.OK if health.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(status, {"process": self._kind, **health.document()})


def _json(status: int, document: dict[str, Any]) -> tuple[int, bytes, str]:
    return status, json.dumps(document).encode() + b"\n", "application/json"


def listen(listener: Listener) -> None:
    """Start it where `METRICS_PORT` (and `METRICS_HOST`, the loopback by default) says; nothing when that is not set.

    A port that cannot be had is told and costs the process nothing else: it is missed by whoever scrapes it.
    """
    host, port = os.environ.get("METRICS_HOST") or "127.0.0.1", os.environ.get("METRICS_PORT", "")
    if not port:
        return
    try:
        listener.start(host, int(port))
    except (OSError, ValueError, OverflowError) as error:
        _log.error("no metrics are served: METRICS_PORT=%s on %s cannot be had (%s)", port, host, error)
