"""Connections to an address that was checked, and a small pool of them."""

import os
import socket
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass

from urllib3.connection import HTTPConnection, HTTPSConnection

from wildrydes.kernel.http.addresses import Address
from wildrydes.kernel.http.heads import WholeHeadResponse
from wildrydes.kernel.http.sockets import Budget, BudgetSocket, BudgetTLSSocket
from wildrydes.kernel.http.targets import Target


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """A verifying client context whose sockets keep to a budget."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = BudgetTLSSocket
    return context


def _connected_socket(address: Address, port: int, *, seconds: float) -> BudgetSocket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = BudgetSocket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(seconds)
        started = time.monotonic()
        sock.connect((str(address), port))
        # What is left serves the TLS handshake; never 0, which would mean non-blocking.
        sock.settimeout(max(seconds - (time.monotonic() - started), 0.05))
    except BaseException:
        sock.close()
        raise
    return sock


class PinnedHTTPConnection(HTTPConnection):
    """Speaks to `host` in the `Host` header, and connects to `pinned` and nowhere else."""

    response_class = WholeHeadResponse

    def __init__(self, target: Target, pinned: Address, *, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self.pinned = pinned

    def _new_conn(self) -> socket.socket:
        return _connected_socket(self.pinned, self.port or 0, seconds=float(self.timeout or 0))


class PinnedHTTPSConnection(HTTPSConnection):
    """The same over TLS: certificate and SNI are for the name, the connection for the checked address."""

    response_class = WholeHeadResponse

    def __init__(self, target: Target, pinned: Address, *, seconds: float, context: ssl.SSLContext) -> None:
        super().__init__(target.host, target.port, timeout=seconds, ssl_context=context)
        self.pinned = pinned

    def _new_conn(self) -> socket.socket:
        return _connected_socket(self.pinned, self.port or 0, seconds=float(self.timeout or 0))


PinnedConnection = PinnedHTTPConnection | PinnedHTTPSConnection
PoolKey = tuple[str, str, int, Address]


def set_budget(connection: PinnedConnection, budget: Budget) -> None:
    """Put the connection's next reads and writes under `budget`."""
    if isinstance(connection.sock, BudgetSocket):
        connection.sock.budget = budget


@dataclass(frozen=True, slots=True)
class _Idle:
    key: PoolKey
    connection: PinnedConnection
    since: float


class IdlePool:
    """Connections that wait for their next request, newest first; safe for threads and for fork."""

    def __init__(self, *, max_idle: int, idle_seconds: float) -> None:
        self._max_idle = max_idle
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._idle: deque[_Idle] = deque()
        self._pid = os.getpid()

    def take(self, key: PoolKey) -> PinnedConnection | None:
        """A live idle connection for `key`, or None."""
        with self._lock:
            self._forget_stale()
            found = next((each for each in reversed(self._idle) if each.key == key), None)
            if found is None:
                return None
            self._idle.remove(found)
        # Readable while idle means closed, or an answer to nothing: neither is to be used.
        if found.connection.is_connected:
            return found.connection
        found.connection.close()
        return None

    def give(self, key: PoolKey, connection: PinnedConnection) -> None:
        """Keep a connection whose answer was read to the end."""
        with self._lock:
            self._forget_stale()
            self._idle.append(_Idle(key, connection, time.monotonic()))
            if len(self._idle) > self._max_idle:
                self._idle.popleft().connection.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            while self._idle:
                self._idle.popleft().connection.close()

    def _forget_stale(self) -> None:
        # Two processes on one connection would read each other's answers.
        forked = self._pid != os.getpid()
        self._pid = os.getpid()
        oldest = time.monotonic() - self._idle_seconds
        while self._idle and (forked or self._idle[0].since < oldest):
            self._idle.popleft().connection.close()
