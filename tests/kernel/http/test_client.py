import gzip
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.kernel.http.conftest import OK, always, loopback_client, raw_server, redirect
from wildrydes.kernel.http import AllowList, OutboundClient, OutboundNotSent, OutboundRefused, OutboundUnknown


def test_a_plain_exchange(client: OutboundClient) -> None:
    answer = b"HTTP/1.1 201 Made\r\nContent-Length: 8\r\nX-A: 1\r\nx-a: 2\r\n\r\n" + b'{"id":1}'
    with raw_server(always(answer)) as server:
        response = client.request("POST", server.url("/v1?x=1"), json_body={"é": 1}, headers={"X-Correlation-ID": "c"})
    assert (response.status, response.ok, response.json(), response.headers["x-a"]) == (201, True, {"id": 1}, "1, 2")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1?x=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}".encode() in head
    assert b"X-Correlation-ID: c" in head
    assert b"Content-Type: application/json" in head
    assert body == '{"é":1}'.encode()


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_every_status_is_an_answer(client: OutboundClient, status: int) -> None:
    with raw_server(always(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())) as server:
        assert client.request("GET", server.url()).status == status


def test_without_an_allow_list_loopback_is_refused_and_nothing_arrives() -> None:
    with raw_server(always(OK)) as server, pytest.raises(OutboundRefused, match=r"loopback|Port"):
        OutboundClient().request("GET", server.url())
    assert server.connections == 0


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    client = OutboundClient(resolver=lambda _host, _port: ["8.8.8.8", "10.0.0.7"])
    with pytest.raises(OutboundRefused, match=r"10\.0\.0\.7"):
        client.request("GET", "http://example.com/")


def test_ports_of_other_services_are_refused_before_resolving() -> None:
    def resolver(_host: str, _port: int) -> list[str]:
        raise AssertionError("must not be asked")

    with pytest.raises(OutboundRefused, match="Port 25"):
        OutboundClient(resolver=resolver).request("GET", "http://example.com:25/")


def test_a_name_that_changes_its_answer_gains_nothing() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    client = loopback_client(resolver=lambda _host, _port: next(answers))
    with raw_server(always(OK, keep=True)) as server:
        url = server.url(host="rebind.example")
        assert client.request("GET", url).body == b"ok"
        assert f"Host: rebind.example:{server.port}".encode() in server.requests[0]
        with pytest.raises(OutboundRefused, match=r"10\.0\.0\.1"):
            client.request("GET", url)
    assert len(server.requests) == 1


def test_the_name_is_resolved_exactly_once_per_call() -> None:
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with raw_server(always(OK)) as server:
        loopback_client(resolver=resolver).request("GET", server.url(host="once.example"))
    assert asked == ["once.example"]


def test_the_connection_goes_to_the_checked_address() -> None:
    with raw_server(always(OK), host="127.0.0.2") as server:
        client = loopback_client(resolver=lambda _host, _port: ["127.0.0.2"])
        assert client.request("GET", server.url(host="localhost")).body == b"ok"
        assert f"Host: localhost:{server.port}".encode() in server.requests[0]


def test_a_redirect_to_loopback_is_refused() -> None:
    with raw_server(always(OK)) as inner, raw_server(redirect(inner.url())) as outer:
        client = loopback_client(allow=_only(outer.port))
        with pytest.raises(OutboundRefused):
            client.request("GET", outer.url(), follow_redirects=3)
    assert inner.connections == 0


def test_redirects_are_answers_unless_following_is_asked_for(client: OutboundClient) -> None:
    with raw_server(always(OK)) as inner, raw_server(redirect(inner.url())) as outer:
        assert client.request("GET", outer.url()).status == 302
        assert inner.connections == 0
        assert client.request("GET", outer.url(), follow_redirects=1).body == b"ok"


def test_credentials_and_signatures_stay_with_their_origin(client: OutboundClient) -> None:
    secret = {"Authorization": "Bearer s3cret", "webhook-signature": "v1,s3cret", "X-Api-Key": "s3cret"}
    with raw_server(always(OK)) as inner, raw_server(redirect(inner.url(), 307)) as outer:
        client.request("GET", outer.url(), headers=secret, follow_redirects=1)
        assert b"s3cret" in outer.requests[0]
        assert b"s3cret" not in inner.requests[0]
        assert client.request("POST", outer.url(), body=b"private", follow_redirects=1).status == 307
    assert len(inner.requests) == 1


def test_redirects_end(client: OutboundClient) -> None:
    with raw_server(redirect("/again")) as server:
        assert client.request("GET", server.url(), follow_redirects=3).status == 302
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"]
)
def test_a_server_that_drips_is_cut_at_the_total_deadline(start: bytes) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(start or b"H")
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with raw_server(drip) as server:
        began = time.monotonic()
        with pytest.raises(OutboundUnknown, match="time ran out"):
            loopback_client().request("GET", server.url(), total_timeout=0.5)
        assert time.monotonic() - began < 1.5
        assert server.finished.wait(5), "the client must hang up"
        stop.set()


def test_silence_is_cut_at_the_read_timeout() -> None:
    stop = threading.Event()
    with raw_server(lambda _connection, _request: bool(stop.wait(10))) as server:
        with pytest.raises(OutboundUnknown, match="time ran out"):
            loopback_client(read_timeout=0.2).request("POST", server.url(), body=b"x")
        stop.set()


def test_a_gzip_bomb_is_not_unpacked(client: OutboundClient) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with raw_server(always(head + bomb)) as server, pytest.raises(OutboundUnknown, match="larger") as caught:
        client.request("GET", server.url())
    assert caught.value.status == 200


def test_gzip_is_unpacked_within_the_limit(client: OutboundClient) -> None:
    body = gzip.compress(b"hello" * 100)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with raw_server(always(head + body)) as server:
        assert client.request("GET", server.url()).body == b"hello" * 100


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 60_000 + b"\r\n\r\n", id="one huge header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X-A: aaaaaaaa\r\n" * 5_000 + b"\r\n", id="many headers"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, id="endless interim answers"),
        pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000, id="huge body"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000, id="huge body without length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 20_000_000, id="chunk extension"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", id="body breaks off"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf", id="chunk breaks off"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="chunk size is no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc", id="broken gzip"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: br\r\n\r\nabc", id="unasked coding"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A", id="head breaks off"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\nok", id="a line that is no header"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", id="not HTTP"),
        pytest.param(b"HTTP/1.1 999999 Odd\r\n\r\n", id="impossible status"),
        pytest.param(b"", id="closed without a word"),
    ],
)
def test_what_is_no_full_answer_is_unknown(client: OutboundClient, answer: bytes) -> None:
    with raw_server(always(answer)) as server, pytest.raises(OutboundUnknown):
        client.request("POST", server.url("/secret-path"), body=b"{}")
    assert len(server.requests) == 1, "an unknown outcome is never sent again"


def test_a_refused_connection_was_surely_not_sent(client: OutboundClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(OutboundNotSent, match="refused") as caught:
        client.request("POST", f"http://127.0.0.1:{port}/secret-path", body=b"{}")
    assert "secret-path" not in str(caught.value)


def test_the_next_address_is_tried_when_one_is_dead() -> None:
    with raw_server(always(OK)) as server:
        client = loopback_client(resolver=lambda _host, _port: ["::1", "127.0.0.1"])
        assert client.request("GET", server.url(host="two.example")).body == b"ok"


def test_a_name_without_address_was_not_sent() -> None:
    def resolver(_host: str, _port: int) -> list[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(OutboundNotSent, match="no address"):
        loopback_client(resolver=resolver).request("GET", "http://nowhere.example/")


def test_a_hanging_resolver_is_cut() -> None:
    release = threading.Event()

    def resolver(_host: str, _port: int) -> list[str]:
        release.wait(10)
        return ["127.0.0.1"]

    began = time.monotonic()
    with pytest.raises(OutboundNotSent, match="not resolved"):
        loopback_client(resolver=resolver, connect_timeout=0.2).request("GET", "http://slow.example/")
    release.set()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"X-A": "b\r\nX-Evil: 1"}),
        ("GET", {"X-A\r\nX-Evil": "1"}),
        ("GET", {"X-A": "\N{GREEK SMALL LETTER ALPHA}"}),
        ("POST", {"Content-Length": "0"}),
        ("POST", {"transfer-encoding": "chunked"}),
        ("GET", {"Host": "other.example"}),
        ("CONNECT", {}),
        ("GET / HTTP/1.1\r\nX: y\r\n", {}),
    ],
)
def test_requests_that_would_break_their_frame_are_refused(
    client: OutboundClient, method: str, headers: dict[str, str]
) -> None:
    with raw_server(always(OK)) as server, pytest.raises(OutboundRefused):
        client.request(method, server.url(), headers=headers)
    assert server.connections == 0


def test_proxies_from_the_environment_are_ignored(client: OutboundClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(always(OK)) as proxy, raw_server(always(OK)) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("http_proxy", proxy.url())
        assert client.request("GET", server.url()).body == b"ok"
    assert proxy.connections == 0


def test_a_connection_is_kept_for_the_next_request(client: OutboundClient) -> None:
    with raw_server(always(OK, keep=True)) as server:
        for _ in range(3):
            client.request("POST", server.url(), body=b"x")
        assert server.connections == 1
        client.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, Close\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
    ],
)
def test_a_connection_that_ends_with_its_answer_is_not_kept(client: OutboundClient, answer: bytes) -> None:
    with raw_server(always(answer)) as server:
        assert [client.request("POST", server.url(), body=b"x").body for _ in range(2)] == [b"ok", b"ok"]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
        ("DELETE", b"HTTP/1.1 204 Gone\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Same\r\n\r\n"),
        ("PUT", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ],
)
def test_answers_without_a_body_keep_the_connection(client: OutboundClient, method: str, answer: bytes) -> None:
    with raw_server(always(answer, keep=True)) as server:
        assert [client.request(method, server.url()).body for _ in range(2)] == [b"", b""]
        assert server.connections == 1
        client.close()


def test_a_connection_closed_while_idle_is_not_used_again(client: OutboundClient) -> None:
    with raw_server(always(OK)) as server:
        for _ in range(3):
            server.finished.clear()
            assert client.request("POST", server.url(), body=b"x").body == b"ok"
            assert server.finished.wait(5)
    assert len(server.requests) == 3


def test_a_forked_child_does_not_use_its_parents_connections(client: OutboundClient) -> None:
    with raw_server(always(OK, keep=True)) as server:
        client.request("GET", server.url())
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if client.request("GET", server.url()).body == b"ok" else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert client.request("GET", server.url()).body == b"ok"
        assert server.connections == 2


def test_many_threads_share_one_client(client: OutboundClient) -> None:
    def echo(connection: socket.socket, request: bytes) -> bool:
        body = request.partition(b"\r\n\r\n")[2]
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return True

    with raw_server(echo) as server, ThreadPoolExecutor(16) as threads:
        sent = [str(number).encode() for number in range(200)]
        got = threads.map(lambda body: client.request("POST", server.url(), body=body).body, sent)
        assert list(got) == sent
    assert server.connections <= 16


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/", "loopback"),
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://[fd00:ec2::254]/", "metadata"),
        ("http://[::ffff:8.8.8.8]/", "IPv4-mapped"),
        ("http://localhost/", "loopback"),
        ("http://8.8.8.8:22/", "Port 22"),
        ("https://nowhere.invalid/", "no address"),
        ("mailto:a@b.c", "https://"),
    ],
)
def test_check_url_says_why(url: str, reason: str) -> None:
    with pytest.raises(OutboundRefused) as caught:
        OutboundClient().check_url(url)
    assert reason in caught.value.detail


def test_check_url_accepts_a_public_address() -> None:
    OutboundClient(resolver=lambda _host, _port: ["93.184.215.14"]).check_url("https://hooks.example.com/in?x=1")


def _only(port: int) -> AllowList:
    return AllowList.parse(f"127.0.0.1:{port}")
