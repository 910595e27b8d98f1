"""Fixtures of this package."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from tenants.identity import services
from tenants.identity.models import User
from tenants.identity.throttling import _here
from tenants.registry.context import enter_tenant
from tenants.registry.directory import TenantRef

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def nobody_yet(request: pytest.FixtureRequest) -> None:
    """Onboarding has invited a first user at each tenant; these tests begin without."""
    if "committed" in request.fixturenames:
        request.getfixturevalue("committed")
    if "tenant" in request.fixturenames:
        with enter_tenant(request.getfixturevalue("tenant")):
            User.objects.all().delete()


@pytest.fixture(autouse=True)
def quick_hasher(settings: Any) -> None:
    """The real one takes a third of a second on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_attempts_yet() -> None:
    _here().run(lambda store: store.storage.reset())


@pytest.fixture
def make_user(tenant: TenantRef) -> Callable[..., User]:
    """Makes a user of `tenant` who can log in with PASSWORD."""

    def make(email: str = "ada@acme.example", role: str = "rider", **fields: Any) -> User:
        with enter_tenant(tenant):
            user = services.create_user(
                email=email, name=fields.pop("name", "Ada"), role=role, hashed_password=make_password(PASSWORD)
            )
            if fields:
                User.objects.filter(pk=user.pk).update(**fields)
                user.refresh_from_db()
        return user

    return make


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user()


class Host:
    """A client of one host's API."""

    def __init__(self, host: str) -> None:
        self._client = Client(headers={"host": host})

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self._client.post(path, body, content_type="application/json", headers=headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self._client.patch(path, body, content_type="application/json", headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(path, headers=headers)


@pytest.fixture
def acme(tenant: TenantRef) -> Host:
    return Host("acme.localhost")


@pytest.fixture
def globex(other_tenant: TenantRef) -> Host:
    return Host("globex.localhost")


@pytest.fixture
def bearer(tenant: TenantRef) -> Callable[[User], dict[str, str]]:
    """The Authorization header of a user of `tenant`."""
    from tenants.identity.tokens import AccessToken

    return lambda user: {"authorization": f"Bearer {AccessToken.of(user, tenant)}"}
