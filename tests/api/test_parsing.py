"""Bodies: one JSON object in UTF-8, with the fields and JSON types that are asked for."""

import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.conftest import Caller
from tests.api.test_problems import assert_problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", ""),
        (b'"x"', ""),
        (b"null", ""),
        (b'{"passengers":1,"passengers":2}', "/passengers"),
        (b'{"note":"\\u0000"}', "/note"),
        (b'{"note":"\\ud800"}', "/note"),
        (b'{"passengers":NaN}', ""),
        (b'{"passengers":' + b"[" * 30_000, ""),
        (b"\xff", ""),
        (b" ", ""),
    ],
)
def test_malformed(caller: Caller, body: bytes, pointer: str) -> None:
    problem = assert_problem(caller.post("/echo", body), 400, "malformed-body")
    assert problem["errors"][0]["pointer"] == pointer


def test_too_large(caller: Caller) -> None:
    assert_problem(caller.post("/echo", json.dumps({"note": "x" * 70_000})), 413, "body-too-large")
    lies = caller.client.generic("POST", "/echo", b"{}", content_type="application/json", CONTENT_LENGTH="9" * 30)
    assert_problem(lies, 413, "body-too-large")


def test_a_length_that_is_no_number(caller: Caller) -> None:
    response = caller.client.generic("POST", "/echo", b"{}", content_type="application/json", CONTENT_LENGTH="-5")
    assert_problem(response, 400, "bad-request")


def test_a_chunked_body(caller: Caller) -> None:
    response = caller.client.generic(
        "POST", "/echo", b"{}", content_type="application/json", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"
    )
    assert_problem(response, 411, "length-required")


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [
        ("text/plain", {}),
        ("application/x-www-form-urlencoded", {}),
        ("multipart/form-data; boundary=x", {}),
        ("application/json; charset=utf-16", {}),
        ("application/json", {"content_encoding": "gzip"}),
        ("garbage", {}),
        (";;;=", {}),
        ("application/json/json", {}),
    ],
)
def test_another_format(caller: Caller, content_type: str, headers: dict[str, str]) -> None:
    response = caller.post("/echo", b'{"note":"x"}', content_type, **headers)
    assert_problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=UTF-8", "Application/JSON", 'application/json;charset="utf-8"']
)
def test_json_however_it_is_spelled(caller: Caller, content_type: str) -> None:
    assert caller.post("/echo", b'{"note":"x"}', content_type).status_code == 200


def test_everything_that_is_wrong_is_told_at_once(caller: Caller) -> None:
    body = {
        "passengers": "5",
        "pickup": {"latitude": 91, "longitude": "x", "a/b": 1},
        "stops": [{"latitude": 1, "longitude": 1}, {"latitude": True}],
        "tags": ["ok", 5],
        "quiet": "yes",
        "kind": 5,
        "ref": 5,
        "at": 5,
        "unknown": None,
        "note": 1,
    }
    problem = assert_problem(caller.post("/echo", json.dumps(body)), 422, "invalid-input")
    assert sorted({error["pointer"] for error in problem["errors"]}) == [
        "/at",
        "/kind",
        "/note",
        "/passengers",
        "/pickup/a~1b",
        "/pickup/latitude",
        "/pickup/longitude",
        "/quiet",
        "/ref",
        "/stops/1/latitude",
        "/stops/1/longitude",
        "/tags/1",
        "/unknown",
    ]


@pytest.mark.parametrize("value", [True, 1.5, "1", [], {}, 10**18, -1])
def test_an_integer_is_an_integer(caller: Caller, value: Any) -> None:
    problem = assert_problem(caller.post("/echo", json.dumps({"passengers": value})), 422)
    assert problem["errors"][0]["pointer"] == "/passengers"


def test_a_valid_body(caller: Caller) -> None:
    body = {"passengers": 2, "pickup": {"latitude": 1, "longitude": -2.5}, "quiet": False, "kind": "fast", "ref": None}
    response = caller.post("/echo", json.dumps(body))
    assert response.status_code == 200
    assert response.json()["pickup"] == {"latitude": 1.0, "longitude": -2.5}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=" + "9" * 3_000, "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=gone", "status"),
        ("kind=%00", "kind"),
        ("kind=", "kind"),
        ("cursor=abc", "cursor"),
        ("cursor=" + "A" * 36, "cursor"),
        ("cursor=%C3%A4", "cursor"),
        ("what=1", "what"),
        (urlencode({"\x00": "1"}), "\x00"),
    ],
)
def test_query_parameters(caller: Caller, query: str, parameter: str) -> None:
    problem = assert_problem(caller.get(f"/api/v1/operations?{query}"), 400, "invalid-query")
    assert parameter in {error["parameter"] for error in problem["errors"]}


@pytest.mark.parametrize("query", ["%", "%zz", "&&&==", "\x7f", ";", "a" * 2_000, "%ff=%fe"])
def test_a_garbled_query_is_never_our_fault(caller: Caller, query: str) -> None:
    assert caller.client.get(f"/api/v1/operations?{query}").status_code in (200, 400)


def test_a_body_that_breaks_off(caller: Caller) -> None:
    class Broken(io.BytesIO):
        def read(self, *args: Any) -> bytes:
            raise OSError("gone")

    environ = caller.client._base_environ(
        PATH_INFO="/echo", REQUEST_METHOD="POST", CONTENT_TYPE="application/json", CONTENT_LENGTH="10"
    )
    response = caller.client.request(**{**environ, "wsgi.input": Broken(b"")})
    assert_problem(response, 400)
