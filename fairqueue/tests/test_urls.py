"""How a server is named: ports, passwords, TLS, several of them, Sentinel."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu import Connection, Exchange, Queue

from fairqueue.tests.conftest import Server, _server_binary

WORK = Queue("work", Exchange("work"), routing_key="work")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def round_trip(connection: Connection) -> None:
    """A message through, on a clone as Celery's remote control and pools make them."""
    with connection.clone() as other:
        other.Producer().publish("x", exchange="", routing_key="work", MessageGroupId="one")
    assert type(connection.transport).__module__ == "fairqueue.transport"
    message = connection.channel().basic_get("work")
    assert message.payload == "x"
    message.ack()


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple[Server, int]]:
    port = free_port()
    server = Server(tmp_path, "--port", str(port), "--appendonly", "no")
    server.start()
    yield server, port
    server.kill()


@pytest.mark.parametrize("url", ["fair+redis://127.0.0.1:{port}/3", "fair+redis://localhost:{port}"], ids=str)
def test_a_port_and_a_database(listening, url):
    server, port = listening
    with Connection(url.format(port=port)) as connection:
        round_trip(connection)
        assert server.client(3 if "/3" in url else 0).exists("fairqueue:work:state")


def test_the_transport_by_its_name(listening):
    with Connection(f"redis://127.0.0.1:{listening[1]}/0", transport="fairqueue") as connection:
        round_trip(connection)


def test_a_user_with_a_password(listening):
    server, port = listening
    server.client().acl_setuser(
        "app", enabled=True, passwords=["+p@ss"], categories=["+@all"], keys=["*"], channels=["*"]
    )
    with Connection(f"fair+redis://app:p%40ss@127.0.0.1:{port}/0") as connection:
        round_trip(connection)
        assert "p@ss" not in connection.as_uri()
    with pytest.raises(Exception, match=r"(?i)invalid username-password"):
        Connection(f"fair+redis://app:wrong@127.0.0.1:{port}/0").connect()


@pytest.mark.parametrize("form", ["fair+redis", "redis"], ids=str)
def test_after_a_failover_it_is_still_this_transport(listening, form):
    urls = ";".join(f"{form}://127.0.0.1:{port}/0" for port in (free_port(), listening[1]))
    with Connection(urls, transport=None if form.startswith("fair") else "fairqueue") as connection:
        connection.ensure_connection(max_retries=3, interval_start=0, interval_step=0)
        assert connection.port == listening[1]
        round_trip(connection)


def certificate(folder: Path) -> None:
    """An authority and a server's certificate, with openssl."""
    run = lambda *arguments: subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)  # noqa: E731
    run(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-subj",
        "/CN=ca",
        "-days",
        "2",
    )
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "s.key", "-out", "s.csr", "-subj", "/CN=localhost")
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    run(
        "x509", "-req", "-in", "s.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "s.crt", "-days", "2",
        "-extfile", "ext",
    )  # fmt: skip


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A server that speaks TLS; the bundled Valkey does not, so this needs a redis-server on the PATH."""
    binary = shutil.which("redis-server")
    if binary is None or shutil.which("openssl") is None:
        pytest.skip("needs redis-server with TLS and openssl on the PATH")
    certificate(tmp_path)
    port = free_port()
    options = ["--port", "0", "--tls-port", str(port), "--tls-cert-file", "s.crt", "--tls-key-file", "s.key"]
    options += ["--tls-ca-cert-file", "ca.crt", "--tls-auth-clients", "no", "--save", "", "--appendonly", "no"]
    with (tmp_path / "log").open("ab") as log:
        server = subprocess.Popen([binary, *options], cwd=tmp_path, stdout=log, stderr=log)
    try:
        client = redis.Redis(port=port, ssl=True, ssl_ca_certs=str(tmp_path / "ca.crt"))
        wait_for(lambda: client.ping())
        yield tmp_path, port
    finally:
        server.kill()
        server.wait()


def wait_for(condition: Any, *, deadline: float = 30.0) -> None:
    end = time.monotonic() + deadline
    while True:
        try:
            if condition():
                return
        except redis.ConnectionError:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)


def test_tls_with_an_authority_of_its_own(encrypted):
    folder, port = encrypted
    query = f"ssl_cert_reqs=required&ssl_ca_certs={folder}/ca.crt"
    with Connection(f"fair+rediss://localhost:{port}/0?{query}") as connection:
        round_trip(connection)
    options = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": f"{folder}/ca.crt"}
    with Connection(f"fair+rediss://localhost:{port}/0", ssl=options) as connection:
        round_trip(connection)


def test_tls_after_a_failover(encrypted):
    folder, port = encrypted
    query = f"ssl_cert_reqs=required&ssl_ca_certs={folder}/ca.crt"
    urls = ";".join(f"fair+rediss://localhost:{each}/0?{query}" for each in (free_port(), port))
    with Connection(urls) as connection:
        connection.ensure_connection(max_retries=3, interval_start=0, interval_step=0)
        round_trip(connection)


def test_a_certificate_that_nobody_vouches_for_is_refused(encrypted):
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        Connection(f"fair+rediss://localhost:{encrypted[1]}/0").connect()


@pytest.fixture
def sentinel(listening: Any, tmp_path_factory: Any) -> Iterator[int]:
    """A Sentinel of its own over a server; yields its port."""
    folder = tmp_path_factory.mktemp("sentinel")
    port = free_port()
    (folder / "sentinel.conf").write_text(f"port {port}\nsentinel monitor mymaster 127.0.0.1 {listening[1]} 1\n")
    with (folder / "log").open("ab") as log:
        command = [_server_binary(), "sentinel.conf", "--sentinel"]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        watcher = redis.Redis(port=port)
        wait_for(lambda: watcher.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"))
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("prefix", ["", "fair-sentinel+"], ids=["transport", "url"])
@pytest.mark.parametrize("count", [1, 2], ids=["one", "several"])
def test_sentinel_names_the_master(sentinel, prefix, count):
    url = ";".join([f"{prefix}sentinel://127.0.0.1:{sentinel}/0"] * count)
    options = {"master_name": "mymaster"}
    with Connection(url, transport=None if prefix else "fair-sentinel", transport_options=options) as connection:
        round_trip(connection)
        assert type(connection.transport.cycle).__module__ == "fairqueue.poller"
        connection.maybe_switch_next()
        round_trip(connection)
