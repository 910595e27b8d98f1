"""A TCP proxy before a server's Unix socket that can stop forwarding without a word: connections are half open then."""

import contextlib
import socket
import threading
import time
from pathlib import Path


class Proxy:
    """Listens on a port of 127.0.0.1 until closed."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Swallow nothing, forward nothing: what is sent waits in the kernel's buffers, and nobody answers."""
        self._flows.clear()

    def thaw(self) -> None:
        """Forward again what comes over new connections; those from before stay dead, as after a failover."""
        self.cut()
        self._flows.set()

    def cut(self) -> None:
        """End all connections."""
        dead, self._sockets = self._sockets, []
        for end in dead:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """End everything."""
        self._listener.close()
        self._flows.set()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._flows.wait()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._target)
        except OSError:
            client.close()
            return
        self._sockets.append(server)
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while not self._flows.wait(0.05):
                    time.sleep(0)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
