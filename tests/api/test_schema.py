"""The OpenAPI document is valid, complete, and true: what it promises is what is answered."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.isolation.routes import EXAMPLES, Access

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", stdout=out)
    parsed: dict[str, Any] = json.loads(out.getvalue())
    return parsed


@pytest.fixture(autouse=True)
def sample_endpoints() -> None:
    """These tests look at the product's own endpoints, not at the samples."""


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, told) for path, item in document["paths"].items() for method, told in item.items()]


def test_it_is_openapi_3_1_without_a_warning(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")


def test_every_route_of_the_api_is_in_it(document: dict[str, Any]) -> None:
    told = {(path, method) for path, method, _ in operations(document)}
    routes = {
        ("/" + route.replace("<uuid:", "{").replace(">", "}"), method)
        for (route, method) in EXAMPLES
        if route.startswith("api/v1/")
    }
    assert told == routes


def test_every_operation_tells_its_errors_and_who_may_call(document: dict[str, Any]) -> None:
    for path, method, told in operations(document):
        assert told["operationId"]
        assert told["summary"]
        needs_token = EXAMPLES[path.replace("{", "<uuid:").replace("}", ">").lstrip("/"), method].access is Access.TOKEN
        assert ("401" in told["responses"]) >= needs_token, path
        assert bool(told.get("security")) == needs_token, path
        for status, response in told["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (path, method, status)


def test_what_books_needs_an_idempotency_key(document: dict[str, Any]) -> None:
    book = document["paths"]["/api/v1/bookings"]["post"]
    header = next(parameter for parameter in book["parameters"] if parameter["name"] == "Idempotency-Key")
    assert header["required"]
    assert {"Location", "Retry-After"} <= set(book["responses"]["202"]["headers"])
    assert next(parameter for parameter in book["parameters"] if parameter["name"] == "Prefer")


def test_bodies_have_examples(document: dict[str, Any]) -> None:
    book = document["paths"]["/api/v1/bookings"]["post"]
    assert book["requestBody"]["content"]["application/json"]["examples"]


def test_it_is_served_on_a_tenants_host_and_needs_no_token(tenant: Any, document: dict[str, Any]) -> None:
    client = Client(headers={"host": "acme.localhost"})
    as_json = client.get("/api/schema")
    assert as_json["Content-Type"] == "application/json"
    assert as_json.json()["paths"].keys() == document["paths"].keys()
    for as_yaml in (
        client.get("/api/schema?format=yaml"),
        client.get("/api/schema", headers={"accept": "application/yaml"}),
    ):
        assert as_yaml["Content-Type"] == "application/yaml"
        assert as_yaml.content.startswith(b"openapi: 3.1")


def test_the_page_loads_nothing_from_elsewhere(tenant: Any) -> None:
    page = Client(headers={"host": "acme.localhost"}).get("/api/docs")
    assert page.status_code == 200
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "://" not in page.content.decode()


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs"])
def test_other_methods(tenant: Any, path: str) -> None:
    response = Client(headers={"host": "acme.localhost"}).post(path)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
