"""Whatever goes wrong is a problem document that says what to do and nothing about our insides."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import NotSupportedError, connection
from django.test import Client

from api.errors import Unavailable
from api.problems import domain_error
from tests.api.conftest import Caller


def assert_problem(response: Any, status: int, code: str = "") -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["type"].startswith("https://")
    assert not code or body["type"].endswith("/" + code)
    assert "secret" not in response.content.decode()
    return body


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("data", 422, "invalid-input"),
        ("integrity", 409, "conflict"),
        ("away", 503, "unavailable"),
        ("lock", 503, "overloaded"),
        ("deadlock", 503, "overloaded"),
        ("bug", 500, "internal-error"),
    ],
)
@pytest.mark.parametrize("kind", ["fails", "plain"])
def test_an_error_in_a_view(caller: Caller, kind: str, name: str, status: int, code: str) -> None:
    response = caller.get(f"/{kind}/{name}", x_request_id="my-request")
    body = assert_problem(response, status, code)
    assert ("Retry-After" in response) == (status == 503)
    assert body.get("request_id") == ("my-request" if status == 500 else None)
    assert response["X-Request-Id"] == "my-request"


@pytest.mark.django_db
def test_an_error_of_a_connection_that_broke_while_it_was_made() -> None:
    """Django asks a new connection for its server's version; one that is dead by then says "0.0"."""
    error = NotSupportedError("PostgreSQL 14 or later is required (found 0.0).")
    assert connection.connection is not None
    assert domain_error(error) is None, "with a connection that stands, it is a mistake of ours"
    with ThreadPoolExecutor() as thread:
        told = thread.submit(domain_error, error).result()
    assert isinstance(told, Unavailable)
    assert told.retry_after == 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("data", 422, "invalid-input"),
        ("range", 422, "invalid-input"),
        ("behind", 503, "unavailable"),
        ("timeout", 503, "overloaded"),
    ],
)
def test_what_postgresql_refuses(caller: Caller, name: str, status: int, code: str) -> None:
    assert_problem(caller.get(f"/sql/{name}"), status, code)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api/v1/operations/not-an-id",
        "/%00",
        "/%ff%fe",
        "/%",
        "/%zz",
        "/" + "x" * 3_000,
        "/echo/",
        "/..%2f..%2fetc",
    ],
)
def test_no_such_path(caller: Caller, path: str) -> None:
    assert_problem(caller.get(path), 404, "not-found")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "allow"), [("put", "POST"), ("patch", "POST"), ("trace", "POST"), ("delete", "POST")]
)
def test_an_unknown_method(caller: Caller, method: str, allow: str) -> None:
    response = caller.client.generic(method.upper(), "/echo")
    assert_problem(response, 405, "method-not-allowed")
    assert allow in response["Allow"]


@pytest.mark.django_db
def test_an_invented_method(caller: Caller) -> None:
    assert_problem(caller.client.generic("BREW", "/echo"), 405, "method-not-allowed")


@pytest.mark.django_db
def test_options_tells_the_methods(caller: Caller) -> None:
    response = caller.client.options("/echo")
    assert (response.status_code, response.content, response["Allow"]) == (204, b"", "GET, POST, HEAD, OPTIONS")


@pytest.mark.django_db
def test_head_is_get_without_the_body(caller: Caller) -> None:
    response = caller.client.head("/echo")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.django_db
def test_no_token(tenant: Any) -> None:
    response = Client(headers={"host": "acme.localhost"}).get("/echo")
    assert_problem(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
def test_a_token_of_another_tenant(tenant: Any, other_tenant: Any) -> None:
    assert_problem(Caller(tenant, token_of=other_tenant).get("/echo"), 403, "forbidden")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "managers", "administrators"), [("rider", 403, 403), ("manager", 200, 403), ("administrator", 200, 200)]
)
def test_roles(tenant: Any, role: str, managers: int, administrators: int) -> None:
    caller = Caller(tenant, role=role)
    assert caller.get("/managers").status_code == managers
    assert caller.get("/administrators").status_code == administrators


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.5, text/html", 200),
        ("application/problem+json", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        (";;;,,,=", 406),
        ("a/b/c/d", 406),
        ("\u00e4/\u00f6", 406),
    ],
)
def test_accept(caller: Caller, accept: str, status: int) -> None:
    response = caller.get("/echo?format=xml", accept=accept)
    assert response.status_code == status
    if status == 406:
        assert_problem(response, 406, "not-acceptable")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["nobody.localhost", "a b", "acme.localhost:x", "[::1", "\u00e4.localhost", "x" * 300, "-"]
)
def test_an_unknown_host(tenant: Any, host: str) -> None:
    response = Client(raise_request_exception=False, headers={"host": host}).get("/echo")
    assert_problem(response, 404, "unknown-host")


@pytest.mark.django_db
def test_the_public_host_answers_problems_for_programs_and_pages_for_people() -> None:
    client = Client(headers={"host": "localhost"})
    assert_problem(client.get("/nothing"), 404)
    page = client.get("/admin/nothing/")
    assert page["Content-Type"].startswith("text/html")
