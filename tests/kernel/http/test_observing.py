"""Whoever registered hears of every call, however it ends, and of nothing secret."""

import time
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.kernel.http.conftest import OK, always, loopback_client, raw_server, redirect
from wildrydes.kernel.http import OutboundCallSeen, OutboundClient, OutboundError, observe_calls, observing

SECRET = "/hooks/s3cr3t?token=t0k3n"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[OutboundCallSeen]:
    monkeypatch.setattr(observing, "_observers", [])
    calls: list[OutboundCallSeen] = []
    observe_calls(calls.append)
    return calls


def ended(calls: list[OutboundCallSeen]) -> tuple[int | None, str]:
    [call] = calls
    return call.status, call.error


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(always(OK), (200, ""), id="answered"),
        pytest.param(always(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), (500, ""), id="failed"),
        pytest.param(always(b""), (None, "OutboundUnknown"), id="cut"),
        pytest.param(
            always(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha"), (200, "OutboundUnknown"), id="cut-late"
        ),
    ],
)
def test_every_end_is_told(seen, client: OutboundClient, answer, outcome) -> None:
    with raw_server(answer) as server:
        with suppress(OutboundError):
            client.request("POST", server.url(SECRET), body=b"b0dy", headers={"X-Key": "k3y"}, purpose="charge")
        assert ended(seen) == outcome
        assert (seen[0].method, seen[0].host, seen[0].path) == ("POST", f"127.0.0.1:{server.port}", "")
    assert seen[0].purpose == "charge"
    assert not any(word in repr(seen[0]) for word in ("s3cr3t", "t0k3n", "b0dy", "k3y"))


def test_a_path_is_shown_where_the_caller_says_so_and_never_a_query(seen, client: OutboundClient) -> None:
    with raw_server(always(OK)) as server:
        client.request("GET", server.url("/v1/charges?idempotency_key=k"), show_path=True)
    assert seen[0].path == "/v1/charges"


@pytest.mark.parametrize(
    ("url", "host", "error"),
    [
        ("http://127.0.0.1:1/", "127.0.0.1:1", "OutboundNotSent"),
        ("http://10.0.0.1/", "10.0.0.1", "OutboundRefused"),
        ("https://[fe80::1]/", "[fe80::1]", "OutboundRefused"),
        ("gopher://x/", "", "OutboundRefused"),
    ],
    ids=["nobody-listens", "private", "v6", "unreadable"],
)
def test_what_never_left_is_told_too(seen, client: OutboundClient, url: str, host: str, error: str) -> None:
    with pytest.raises(OutboundError):
        client.request("GET", url)
    assert ended(seen) == (None, error)
    assert seen[0].host == host


def test_each_hop_of_a_redirect_is_a_call(seen, client: OutboundClient) -> None:
    with raw_server(always(OK)) as end, raw_server(redirect(end.url("/there"))) as start:
        client.request("GET", start.url(), follow_redirects=1, show_path=True)
    assert [(call.status, call.path) for call in seen] == [(302, "/"), (200, "/there")]


def test_a_call_that_takes_time_says_how_long(seen) -> None:
    hurried = loopback_client(total_timeout=0.2)
    with raw_server(lambda connection, request: time.sleep(0.4)) as server, pytest.raises(OutboundError):
        hurried.request("GET", server.url())
    assert ended(seen) == (None, "OutboundUnknown")
    assert timedelta(seconds=0.15) < seen[0].duration < timedelta(seconds=0.4)


def test_an_observer_that_fails_changes_nothing(seen, client: OutboundClient) -> None:
    def fails(call: OutboundCallSeen) -> None:
        raise RuntimeError("the disk is full")

    observe_calls(fails)
    observe_calls(seen.append)  # known already
    with raw_server(always(OK)) as server:
        assert client.request("GET", server.url()).status == 200
    assert len(seen) == 1
