"""A POST that is sent again does nothing again."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from api.housekeeping import forget_old_keys_everywhere
from api.idempotency import KEPT_FOR, forget_old_keys
from api.models import IdempotencyKey, Operation
from tenants.registry.context import enter_tenant
from tenants.registry.directory import TenantRef
from tests.api.conftest import Caller
from tests.api.test_problems import assert_problem


def work(caller: Caller, body: dict[str, Any] | None = None, key: str | None = "k1", **headers: str) -> Any:
    if key is not None:
        headers["idempotency_key"] = key
    return caller.post("/works", json.dumps(body or {}), **headers)


def operations(tenant: TenantRef) -> int:
    with enter_tenant(tenant):
        return Operation.objects.count()


@pytest.mark.django_db
def test_the_second_answer_is_the_first_byte_for_byte(caller: Caller, tenant: TenantRef) -> None:
    first, second = work(caller, {"n": 1}), work(caller, {"n": 1})
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    for name in ("Location", "Retry-After", "Content-Type"):
        assert first[name] == second[name]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert operations(tenant) == 1


@pytest.mark.django_db
def test_the_same_body_however_it_is_written(caller: Caller) -> None:
    headers = {"idempotency_key": "k"}
    first = caller.post("/works", b'{"a":1,"b":2}', **headers)
    assert caller.post("/works", b'{ "b" : 2, "a" : 1 }', **headers).content == first.content


@pytest.mark.django_db
def test_another_body_is_refused(caller: Caller, tenant: TenantRef) -> None:
    work(caller, {"n": 1})
    assert_problem(work(caller, {"n": 2}), 422, "idempotency-key-reused")
    assert operations(tenant) == 1


@pytest.mark.django_db
def test_keys_are_the_callers_own(tenant: TenantRef, other_tenant: TenantRef) -> None:
    one, another = Caller(tenant), Caller(tenant)
    elsewhere = Caller(other_tenant, user_id=one.user_id)
    answers = {work(caller).content for caller in (one, another, elsewhere)}
    assert len(answers) == 3


@pytest.mark.django_db
def test_a_refused_request_may_be_corrected_under_its_key(caller: Caller, tenant: TenantRef) -> None:
    assert_problem(work(caller, {"refuse": True}), 422, "invalid-input")
    assert work(caller, {"answer": 409}).status_code == 409
    assert operations(tenant) == 0
    assert work(caller, {"n": 1}).status_code == 202


@pytest.mark.django_db
def test_no_key(caller: Caller) -> None:
    assert "Idempotency-Key" in assert_problem(work(caller, key=None), 400, "idempotency-key-required")["detail"]
    assert_problem(work(caller, key="  "), 400, "idempotency-key-required")


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x" * 201, "a b", "\u00e4", "a\x7f", "a\tb"])
def test_a_malformed_key(caller: Caller, key: str) -> None:
    assert_problem(work(caller, key=key), 400, "invalid-header")


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x" * 200, "'; DROP TABLE api_operation; --".replace(" ", "_"), "%s%(x)s"])
def test_an_odd_key(caller: Caller, key: str) -> None:
    assert work(caller, key=key).content == work(caller, key=key).content


@pytest.mark.django_db
def test_a_replay_is_answered_when_the_quota_is_used_up(caller: Caller, tenant: TenantRef) -> None:
    first = work(caller)
    while caller.get("/echo").status_code == 200:
        pass
    replay = work(caller)
    assert (replay.status_code, replay.content) == (202, first.content)
    assert_problem(work(caller, key="k2"), 429, "quota-exceeded")
    assert_problem(work(caller, {"n": 2}), 422, "idempotency-key-reused")


@pytest.mark.django_db
@pytest.mark.usefixtures("nothing_is_reread")
def test_what_it_costs(caller: Caller) -> None:
    work(caller, key="warm")
    with CaptureQueriesContext(connection) as queries:
        work(caller)
    verbs = [
        query["sql"].split()[0] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "SET"))
    ]
    # The key; the operation; its delayed end (message and delivery at once); the answer kept under the key.
    assert verbs == ["INSERT", "INSERT", "WITH", "UPDATE"], [query["sql"] for query in queries]


@pytest.mark.django_db
def test_old_keys_are_forgotten_in_batches(caller: Caller, tenant: TenantRef) -> None:
    for number in range(5):
        work(caller, key=f"k{number}")
    with enter_tenant(tenant):
        old = IdempotencyKey.objects.filter(key__in=["k0", "k1", "k2"])
        old.update(created_at=Now() - KEPT_FOR - timedelta(minutes=1))
        assert [forget_old_keys(batch=2), forget_old_keys(batch=2), forget_old_keys(batch=2)] == [2, 1, 0]
        assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"k3", "k4"}


@pytest.mark.django_db
def test_the_round_goes_through_all_tenants(tenant: TenantRef, other_tenant: TenantRef) -> None:
    for each in (tenant, other_tenant):
        work(Caller(each))
        with enter_tenant(each):
            IdempotencyKey.objects.update(created_at=Now() - KEPT_FOR - timedelta(minutes=1))
    assert forget_old_keys_everywhere() == 2
    assert forget_old_keys_everywhere() == 0


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_twins_do_the_work_once_and_get_one_answer(committed: None, tenant: TenantRef) -> None:
    user_id = uuid4()
    callers = [Caller(tenant, user_id=user_id) for _ in range(12)]
    answers = at_once([lambda caller=caller: work(caller, {"sleep": 0.2}) for caller in callers])
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert operations(tenant) == 1


def test_a_twin_is_told_to_come_back_when_the_first_takes_long(
    committed: None, tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.idempotency._TWIN_WAIT_MS", 100)
    user_id = uuid4()
    callers = [Caller(tenant, user_id=user_id) for _ in range(3)]
    answers = at_once([lambda caller=caller: work(caller, {"sleep": 1}) for caller in callers])
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409]
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert_problem(refused, 409, "request-in-progress")
        assert refused["Retry-After"] == "1"
    assert operations(tenant) == 1


def test_a_twin_of_a_refused_request_may_go_ahead(committed: None, tenant: TenantRef) -> None:
    user_id = uuid4()
    callers = [Caller(tenant, user_id=user_id) for _ in range(4)]
    answers = at_once([lambda caller=caller: work(caller, {"sleep": 0.1, "answer": 418}) for caller in callers])
    assert {answer.status_code for answer in answers} == {418}
    assert operations(tenant) == 0


def test_a_post_may_wait_for_the_end(committed: None, tenant: TenantRef) -> None:
    from api.services import succeed_operation

    caller = Caller(tenant)

    def finish() -> None:
        with enter_tenant(tenant):
            while not (found := Operation.objects.first()):
                pass
            succeed_operation(operation_id=found.id, result={"ok": True})

    answer, _ = at_once([lambda: work(caller, prefer="wait=10"), finish])
    assert (answer.status_code, answer["Preference-Applied"]) == (200, "wait=10")
    assert answer.json()["result"] == {"ok": True}
    assert "Retry-After" not in answer
