"""Odd requests by the hundred, made from our own OpenAPI document: none gets a 500, and every answer is as documented."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from tenants.registry.directory import TenantRef, forget
from tenants.registry.models import Tier
from tests.isolation.world import furnish

_CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
_HEALTH = [
    hypothesis.HealthCheck.function_scoped_fixture,
    hypothesis.HealthCheck.too_slow,
    hypothesis.HealthCheck.filter_too_much,
]


@pytest.fixture(autouse=True)
def sample_endpoints() -> None:
    """The product's own endpoints."""


@pytest.fixture
def api(tenant: TenantRef, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.API = {**settings.API, "PREFER_WAIT_MAX_SECONDS": 0}
    settings.WHITENOISE_USE_FINDERS = False
    # The test's transaction is on the connection that they would close.
    monkeypatch.setattr(request_started, "receivers", [])
    monkeypatch.setattr(request_finished, "receivers", [])
    Tier.objects.update(requests_per_minute=1_000_000, max_backlog=1_000_000)
    forget()
    acme = furnish(tenant)
    headers = {"Host": acme.host, "Authorization": f"Bearer {acme.token}"}
    yield schemathesis.openapi.from_wsgi("/api/schema", get_wsgi_application(), headers=headers), headers
    forget()


def test_no_input_gives_a_500(api: Any) -> None:
    schema, headers = api
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.settings(max_examples=12, deadline=None, database=None, suppress_health_check=_HEALTH)
        @hypothesis.seed(1)
        @hypothesis.given(
            case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE) | operation.as_strategy()
        )
        def try_it(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=list(_CHECKS))

        try_it()
