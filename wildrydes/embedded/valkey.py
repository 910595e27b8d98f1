"""Embedded Valkey: the broker and cache for development, on a Unix socket, with its append-only file on."""

import signal
import socket
import subprocess
from functools import cached_property
from pathlib import Path

import psutil

from wildrydes.embedded._binaries import valkey_program
from wildrydes.embedded._places import home_for, socket_dir_for
from wildrydes.embedded._server import EmbeddedServer, is_alive
from wildrydes.embedded._users import ServerUser

SOCKET_NAME = "s"
ANSWER_SECONDS = 3.0


class EmbeddedValkey(EmbeddedServer):
    """A Valkey server on `data_dir`; messages survive a SIGKILL of it.

    Args:
        data_dir: where the data is to live.
        append_only: False keeps everything in memory: for tests that never start it again, and must not wait for the disk.
        fsync: False trades the last second of data for speed when the machine (not the server) dies: for tests.
    """

    label = "Valkey"
    program = "valkey-server"

    def __init__(self, data_dir: Path, *, fsync: bool = True, append_only: bool = True) -> None:
        self.fsync = fsync
        self.append_only = append_only
        super().__init__(data_dir)

    @cached_property
    def home(self) -> Path:
        """The directory with the server's files: `data_dir` itself."""
        return home_for(self.data_dir, self.user)

    @cached_property
    def socket_path(self) -> Path:
        """The server's socket, for its owner alone."""
        return socket_dir_for(self.home, self.user, socket_name=SOCKET_NAME) / SOCKET_NAME

    @property
    def url(self) -> str:
        """A REDIS_URL as Celery and kombu want it."""
        return f"redis+socket://{self.socket_path}?virtual_host=0"

    @property
    def client_url(self) -> str:
        """The same server as redis-py and Django's cache want it."""
        return f"unix://{self.socket_path}?db=0"

    def is_healthy(self) -> bool:
        """Whether the server answers a PING (while it loads its file it answers -LOADING)."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(ANSWER_SECONDS)
                connection.connect(str(self.socket_path))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    @property
    def _socket_place(self) -> Path:
        return self.socket_path.parent

    @property
    def _pid_file(self) -> Path:
        return self.home / "valkey.pid"

    def _choose_user(self) -> ServerUser:
        return ServerUser.current()

    def _prepare(self) -> None:
        """The server makes its own files."""

    def _spawn(self) -> "subprocess.Popen[bytes]":
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.home),
            "pidfile": str(self._pid_file),
            "appendonly": "yes" if self.append_only else "no",
            "appendfsync": "everysec" if self.fsync else "no",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return self.user.spawn([valkey_program(), *options], env={"LC_ALL": "C"}, log=self.log)

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int(self._pid_file.read_text()))
            ours = process.name() == self.program and process.cwd() == str(self.home)
        except (OSError, ValueError, psutil.Error):
            return None
        return process if ours and is_alive(process) else None

    def _relatives(self) -> list[psutil.Process]:
        home = str(self.home)
        return [
            process
            for process in psutil.process_iter(["name", "cwd"])
            if process.info["name"] == self.program and process.info["cwd"] == home and is_alive(process)
        ]

    def _stop_signals(self) -> tuple[int, ...]:
        return (signal.SIGTERM,)
