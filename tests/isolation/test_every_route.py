"""No route of a tenant's host gives anything to anybody else: each is tried with every wrong token, id and host.

The routes are enumerated from the URL configuration. A new one without an example fails `test_every_route_has_an_example`.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from tenants.registry.directory import TenantRef
from tests.isolation.routes import EXAMPLES, Access, Example, every_route, has_parameters, path_with
from tests.isolation.world import Possessions, fingerprint, furnish

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class World:
    """Acme is the one who asks, Globex the one that is not to notice."""

    own: Possessions
    other: Possessions

    @property
    def rows(self) -> tuple[str, str]:
        """Digests of both tenants' data."""
        return fingerprint(self.own.tenant), fingerprint(self.other.tenant)


@pytest.fixture
def world(tenant: TenantRef, other_tenant: TenantRef, settings: Any) -> World:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_USE_FINDERS = False
    return World(own=furnish(tenant), other=furnish(other_tenant))


def call(
    route: str, method: str, *, host: str, names: Possessions, token: str | None = None, example: Example | None = None
) -> Any:
    example = example or EXAMPLES[route, method]
    body = example.body_with(names)
    headers = {"host": host, **example.headers}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    sender = getattr(Client(raise_request_exception=False), method)
    if method == "get":
        return sender(path_with(route, names), headers=headers)
    return sender(path_with(route, names), data=body or {}, content_type="application/json", headers=headers)


def assert_refused(response: Any, *statuses: int) -> None:
    assert response.status_code in statuses, response.content
    assert response["Content-Type"] == "application/problem+json"


def assert_tells_nothing_of(response: Any, possessions: Possessions) -> None:
    """Nothing of the tenant is in body or headers, but what the caller put into the path itself."""
    told = response.content.decode() + str(dict(response.headers))
    asked = response.request["PATH_INFO"]
    leaked = [secret for secret in possessions.secrets if secret in told and secret not in asked]
    assert not leaked


def the_routes(access: Access, *, with_parameters: bool | None = None) -> list[Any]:
    return [
        pytest.param(route, method, id=f"{method.upper()} /{route}")
        for (route, method), example in sorted(EXAMPLES.items())
        if example.access is access and with_parameters in (None, has_parameters(route))
    ]


def test_every_route_has_an_example() -> None:
    assert sorted(every_route()) == sorted(EXAMPLES), "add the new route to tests/isolation/routes.py"


@pytest.mark.parametrize(("route", "method"), the_routes(Access.TOKEN))
def test_the_example_is_good(world: World, route: str, method: str) -> None:
    """With one's own token, ids and host the call is let in: otherwise the refusals below would prove nothing."""
    response = call(route, method, host=world.own.host, names=world.own, token=world.own.token)
    assert response.status_code < 300, response.content
    assert_tells_nothing_of(response, world.other)


@pytest.mark.parametrize(("route", "method"), the_routes(Access.TOKEN))
def test_without_a_token_and_with_wrong_ones(world: World, route: str, method: str) -> None:
    before = world.rows
    first, second, signature = world.own.token.split(".")
    wrong = [None, "", "garbage", "\u00e4", f"{first}.{second}.", f"{first}.{second[:-4]}AAAA.{signature}"]
    for token in wrong:
        response = call(route, method, host=world.own.host, names=world.own, token=token)
        assert_refused(response, 401)
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert_tells_nothing_of(response, world.own)
    assert world.rows == before


@pytest.mark.parametrize(("route", "method"), the_routes(Access.TOKEN))
def test_with_another_tenants_token(world: World, route: str, method: str) -> None:
    before = world.rows
    for names in (world.own, world.other):
        response = call(route, method, host=world.other.host, names=names, token=world.own.token)
        assert_refused(response, 403)
        assert_tells_nothing_of(response, world.other)
    assert world.rows == before


@pytest.mark.parametrize(("route", "method"), the_routes(Access.TOKEN, with_parameters=True))
def test_with_another_tenants_ids(world: World, route: str, method: str) -> None:
    before = world.rows
    response = call(route, method, host=world.own.host, names=world.other, token=world.own.token)
    assert_refused(response, 404)
    assert_tells_nothing_of(response, world.other)
    assert world.rows == before


@pytest.mark.parametrize(("route", "method"), the_routes(Access.TOKEN, with_parameters=False))
def test_what_names_no_id_touches_ones_own_only(world: World, route: str, method: str) -> None:
    theirs = fingerprint(world.other.tenant)
    call(route, method, host=world.own.host, names=world.own, token=world.own.token)
    assert fingerprint(world.other.tenant) == theirs


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "nobody.localhost", "acme.localhost.evil.example"])
def test_on_a_host_that_is_no_tenants(world: World, host: str) -> None:
    for (route, method), example in EXAMPLES.items():
        if example.access is Access.PUBLIC:
            continue
        response = call(route, method, host=host, names=world.own, token=world.own.token)
        # The public host keeps sessions on the invitations' path, and so asks for a CSRF token first.
        allowed = (403, 404) if route.startswith("invitations/") else (404,)
        assert response.status_code in allowed, (route, method)
        assert_tells_nothing_of(response, world.own)


@pytest.mark.parametrize(("route", "method"), the_routes(Access.CREDENTIAL))
def test_with_another_tenants_credential(world: World, route: str, method: str) -> None:
    before = world.rows
    response = call(route, method, host=world.own.host, names=world.other)
    # Logging out tells nobody whether there was such a login.
    allowed = (204,) if route.endswith("logout") else (400, 401, 403, 404, 422)
    assert response.status_code in allowed, response.content
    assert_tells_nothing_of(response, world.other)
    assert world.rows == before


@pytest.mark.parametrize(("route", "method"), the_routes(Access.PUBLIC))
def test_what_is_public_holds_nothing_of_a_tenants(world: World, route: str, method: str) -> None:
    for possessions in (world.own, world.other):
        response = call(route, method, host=possessions.host, names=possessions)
        if route == "":  # leads to a page of the same host, and says nothing itself
            assert (response.status_code, response["Location"]) == (302, "/api/docs")
        else:
            assert response.status_code == 200
        assert_tells_nothing_of(response, world.own)
        assert_tells_nothing_of(response, world.other)
