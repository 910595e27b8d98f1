"""The server process: binds, says where, ends cleanly."""

import asyncio
import signal
import socket
import sys
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol


class CuttableProtocol(H11Protocol):
    """Lets an application cut its own connection, which ASGI has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport into the state of this connection's requests."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        # asyncio leaves Nagle's algorithm on for sockets of an inherited listener, which costs 40 ms an answer.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def serve(app: Starlette, *, name: str, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; port 0 takes a free one. The address is printed once it accepts connections.

    Raises:
        OSError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=512) as listener:
        # uvicorn raises the signal again after its clean shutdown; ending by a signal would look like a crash.
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
        bound = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"{name} simulator listening on http://{shown}:{bound}\n")
        sys.stdout.flush()
        config = uvicorn.Config(
            app,
            http=CuttableProtocol,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
