"""Probes on any host, telling what is away."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client

from api.health import webs_needs
from messaging.beats import BeatRow
from messaging.models import ProcessBeat
from tenants.registry.directory import TenantRef
from tests.api.test_problems import assert_problem
from wildrydes.embedded import EmbeddedValkey
from wildrydes.kernel.clock import utcnow


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "acme.localhost", "nobody.example", "10.0.0.7"])
def test_alive_and_ready_on_every_host(host: str) -> None:
    client = Client(headers={"host": host})
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    told = ready.json()
    assert {told[part] for part in ("database", "migrations", "schemas", "broker")} == {"ok"}
    assert told["status"] == "ready"
    assert client.head("/readyz").status_code == 200


def test_alive_asks_nobody() -> None:
    assert Client().get("/healthz").status_code == 200


@pytest.mark.django_db
def test_other_methods() -> None:
    response = Client().post("/healthz")
    assert_problem(response, 405)
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.django_db
def test_without_a_broker_it_is_ready_all_the_same_and_says_so(settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    told = webs_needs().look().document()
    assert told["status"] == "ready"
    assert told["broker"].startswith("Redis does not answer")


@pytest.mark.django_db
def test_a_redis_that_is_full_is_no_healthy_one(settings: Any, tmp_path: Path) -> None:
    """It answers a PING and refuses every message."""
    full = EmbeddedValkey(tmp_path)
    full.start()
    try:
        settings.REDIS_URL = full.url
        redis.Redis.from_url(full.client_url).config_set("maxmemory", 1)
        told = webs_needs().look().document()
    finally:
        full.stop()
    assert told["status"] == "ready"
    assert told["broker"].startswith("Redis refuses writes")
    assert "maxmemory" in told["broker"]


@pytest.mark.django_db
def test_who_is_missing_is_told_and_what_follows() -> None:
    told = webs_needs().look().document()
    assert told["status"] == "ready"
    assert told["sweeper"].startswith("no sweeper runs (none was seen within a day")
    assert "nothing is sent again or taken over" in told["sweeper"]
    BeatRow("sweeper").write()
    assert webs_needs().look().document()["sweeper"] == "ok"
    ProcessBeat.objects.update(seen_at=utcnow() - timedelta(minutes=2))
    assert "the last was seen 120 s ago" in webs_needs().look().document()["sweeper"]


@pytest.mark.django_db
def test_a_pending_migration() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.django_migrations WHERE app = 'messaging'")
    told = webs_needs().look().document()
    assert told["status"] == "unavailable"
    assert "manage.py migrate_schemas --shared" in told["migrations"]


@pytest.mark.django_db
def test_a_tenants_schema_that_is_behind(tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.onboarding.health._Remembered.until", float("-inf"))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {tenant.schema_name}.django_migrations WHERE app = 'bookings'")
    told = webs_needs().look().document()
    assert told["status"] == "ready"
    assert told["schemas"] == "1 tenants' schemas are behind the code: run `manage.py migrate_tenants`"


@pytest.mark.django_db
def test_looked_at_once_a_second(django_assert_num_queries: object) -> None:
    needs = webs_needs()
    needs.look()
    with django_assert_num_queries(0):  # type: ignore[operator]
        needs.look()
