"""Probes on any host, telling what is away."""

import pytest
from django.db import connection
from django.test import Client

from api.health import Readiness
from tests.api.test_problems import assert_problem


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "acme.localhost", "nobody.example", "10.0.0.7"])
def test_alive_and_ready_on_every_host(host: str) -> None:
    client = Client(headers={"host": host})
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "database": "ok", "migrations": "applied", "broker": "ok"}
    assert client.head("/readyz").status_code == 200


def test_alive_asks_nobody() -> None:
    assert Client().get("/healthz").status_code == 200


@pytest.mark.django_db
def test_other_methods() -> None:
    response = Client().post("/healthz")
    assert_problem(response, 405)
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.django_db
def test_without_a_broker_it_is_ready_all_the_same(settings: object) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    assert Readiness().report()["status"] == "ready"
    assert Readiness().report()["broker"] == "away"


@pytest.mark.django_db
def test_a_pending_migration() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.django_migrations WHERE app = 'messaging'")
    report = Readiness().report()
    assert (report["status"], report["migrations"]) == ("unavailable", "pending")


@pytest.mark.django_db
def test_looked_at_once_a_second(django_assert_num_queries: object) -> None:
    readiness = Readiness()
    readiness.report()
    with django_assert_num_queries(0):  # type: ignore[operator]
        readiness.report()
