"""Quotas: counted in Valkey, honest about when to come back, and costing nothing when Valkey is away."""

import time
from dataclasses import replace
from uuid import uuid4

import pytest
from django.conf import settings

from api.quota import Quota, QuotaMeter, _wait
from tenants.registry.directory import TenantRef
from tests.api.conftest import Caller
from tests.api.test_problems import assert_problem
from wildrydes.kernel.redis_urls import client_url

pytestmark = pytest.mark.django_db


def with_limit(tenant: TenantRef, limit: int) -> TenantRef:
    return replace(tenant, id=uuid4(), tier=replace(tenant.tier, requests_per_minute=limit))


def test_the_limit_holds_across_processes_and_tenants_apart(tenant: TenantRef) -> None:
    one, another = (QuotaMeter(client_url(settings.REDIS_URL)) for _ in range(2))
    limited = with_limit(tenant, 3)
    answers = [meter.charge(limited) for meter in (one, another, one, another)]
    assert [answer.remaining for answer in answers] == [2, 1, 0, 0]
    assert [answer.refused is None for answer in answers] == [True, True, True, False]
    assert one.charge(with_limit(tenant, 3)).remaining == 2


def test_headers_are_structured_fields() -> None:
    quota = Quota(limit=120, remaining=7, reset=12.3, refused=None)
    assert quota.headers == {"RateLimit-Policy": '"tenant";q=120;w=60', "RateLimit": '"tenant";r=7;t=13'}


@pytest.mark.parametrize(
    ("previous", "previous_left", "current", "until_shift", "wait"),
    [
        pytest.param(0, 0.0, 10, 30.0, 30.0, id="all in this window: when it turns"),
        pytest.param(10, 30.0, 5, 30.0, 0.0, id="the previous window is just giving way"),
        pytest.param(10, 60.0, 5, 60.0, 30.0, id="half of the previous window has to pass"),
        pytest.param(20, 60.0, 9, 60.0, 57.0, id="nearly all of it has to pass"),
    ],
)
def test_retry_after_is_when_the_next_one_fits(
    previous: int, previous_left: float, current: int, until_shift: float, wait: float
) -> None:
    assert _wait(10, previous, previous_left, current, until_shift) == pytest.approx(wait, abs=0.01)


def test_without_redis_the_process_counts_and_loses_no_time(tenant: TenantRef) -> None:
    meter = QuotaMeter("redis://127.0.0.1:1/0")
    limited = with_limit(tenant, 2)
    started = time.monotonic()
    answers = [meter.charge(limited) for _ in range(50)]
    assert time.monotonic() - started < 0.5
    assert [answer.refused is None for answer in answers[:3]] == [True, True, False]
    assert all(answer.refused for answer in answers[2:])


def test_a_refused_request(caller: Caller, tenant: TenantRef) -> None:
    limit = tenant.tier.requests_per_minute
    for _ in range(limit):
        response = caller.get("/echo")
    assert response.status_code == 200
    assert response["RateLimit"].startswith('"tenant";r=0;t=')
    refused = caller.get("/echo")
    assert_problem(refused, 429, "quota-exceeded")
    assert 1 <= int(refused["Retry-After"]) <= 121
    assert refused["RateLimit-Policy"] == f'"tenant";q={limit};w=60'


def test_strangers_use_up_nobodys_quota(caller: Caller) -> None:
    before = caller.get("/echo")["RateLimit"]
    for _ in range(5):
        assert "RateLimit" not in caller.client.get("/echo", headers={"authorization": "none"})
    assert int(before.split(";")[1][2:]) - int(caller.get("/echo")["RateLimit"].split(";")[1][2:]) == 1
