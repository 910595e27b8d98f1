"""What every test may use: real servers, a database with two onboarded tenants, and the engine that workers run.

Importing this prepares the environment, before anything reads the settings.
"""

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.support.servers import prepare_environment

prepare_environment()

import django  # noqa: E402  # needs the environment
from django.conf import settings as django_settings  # noqa: E402

from wildrydes.configuration.broker import broker_url  # noqa: E402

assert django_settings.DATABASES  # loads the settings, so that pytest-django finds them configured
# xdist's workers may have loaded them before this file could name a Redis database of their own.
django_settings.REDIS_URL = os.environ["REDIS_URL"]
django_settings.CELERY_BROKER_URL = broker_url(django_settings.MESSAGING["TRANSPORT"], django_settings.REDIS_URL)
django.setup()
import_module("wildrydes.celery")

import redis  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402

from messaging.routing.choices import forget as forget_routing  # noqa: E402
from tenants.identity.models import User  # noqa: E402
from tenants.identity.tokens import AccessToken  # noqa: E402
from tenants.registry.context import enter_tenant  # noqa: E402
from tenants.registry.directory import TenantRef, forget, tenant_by_host  # noqa: E402
from tests.support import databases  # noqa: E402
from tests.support.draining import drain as drain_deliveries  # noqa: E402
from wildrydes.kernel.redis_urls import client_url  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under xdist a file stays together, and all scenarios with one worker: they share one running product."""
    for item in items:
        is_scenario = item.nodeid.startswith("tests/scenarios/")
        if is_scenario:
            item.add_marker(pytest.mark.scenario)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("scenarios" if is_scenario else str(item.path)))


@pytest.fixture(scope="session")
def database_template(django_db_blocker: Any) -> str:
    """The name of the database that every test database is a copy of."""
    with django_db_blocker.unblock():
        return databases.ensure_template()


@pytest.fixture(scope="session")
def django_db_setup(database_template: str, django_db_blocker: Any, worker_id: str) -> Iterator[None]:
    """In place of pytest-django's own: a copy of the template for this process."""
    name = f"wr_test_{worker_id}"
    with django_db_blocker.unblock():
        databases.copy(database_template, name)
    yield
    with django_db_blocker.unblock():
        connections["default"].close()
        databases.drop(name)


@pytest.fixture
def nothing_is_reread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is read every few seconds is read once: where statements are counted, time does not."""
    monkeypatch.setattr("api.admission._COUNTED_EVERY_SECONDS", 3600)
    monkeypatch.setattr("messaging.routing.choices.REREAD_SECONDS", 3600)
    forget_routing()
    yield
    forget_routing()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any, database_template: str, worker_id: str) -> Iterator[None]:
    """A database in which commits are real, for tests with threads or processes; thrown away afterwards."""
    name = f"wr_committed_{worker_id}"
    usual = django_settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock():
        databases.copy(database_template, name)
        forget()
        yield
        databases.use(usual)
        databases.drop(name)
        forget()


def _by_slug(slug: str) -> TenantRef:
    forget()
    found = tenant_by_host(f"{slug}.localhost")
    assert found is not None
    return found


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> TenantRef:
    """Acme, a basic tenant; what the test writes is rolled back, unless it asked for `committed`."""
    _database(request)
    return _by_slug("acme")


@pytest.fixture
def other_tenant(request: pytest.FixtureRequest) -> TenantRef:
    """Globex, a premium tenant."""
    _database(request)
    return _by_slug("globex")


def _database(request: pytest.FixtureRequest) -> None:
    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")


@pytest.fixture
def in_tenant(tenant: TenantRef) -> Iterator[TenantRef]:
    """Inside acme's schema."""
    with enter_tenant(tenant):
        yield tenant


@pytest.fixture(scope="session")
def redis_client() -> redis.Redis:
    """This process's Redis database."""
    return redis.Redis.from_url(client_url(django_settings.REDIS_URL))


@pytest.fixture(autouse=True)
def quotas_unused(redis_client: redis.Redis) -> None:
    """A quick machine must not use up in one test what the next one needs."""
    used = list(redis_client.scan_iter("quota:*"))
    if used:
        redis_client.delete(*used)


@pytest.fixture(autouse=True)
def routing_unknown() -> None:
    """What one test chose and rolled back is not in force in the next."""
    forget_routing()


@pytest.fixture
def drain() -> Callable[..., int]:
    """Work off deliveries; see `tests.support.draining`."""
    return drain_deliveries


@pytest.fixture
def api_client() -> Callable[..., Client]:
    """Makes a client of a tenant's API: `api_client(tenant)` is a rider, `api_client(tenant, role="administrator")` is not.

    With `user` the token is that user's, who need not be stored: tokens are verified without the database.
    """

    def client(tenant: TenantRef, user: User | None = None, *, role: str = "rider") -> Client:
        bearer = user or User(email=f"{role}@{tenant.slug}.example", name="Ada", role=role)
        token = AccessToken.of(bearer, tenant)
        return Client(headers={"host": f"{tenant.slug}.localhost", "authorization": f"Bearer {token}"})

    return client
