"""The life of an operation, and what clients see of it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from api import prefer
from api.errors import OperationExpired
from api.events import ExpireOperation
from api.handlers import on_expire_operation, on_expire_operation_dead
from api.models import Operation
from api.services import (
    EXPIRY_GRACE,
    cancel_operation,
    expire_operation,
    fail_operation,
    open_operation,
    record_step,
    succeed_operation,
)
from messaging.journal.models import Message
from messaging.models import Delivery
from tenants.registry.context import enter_tenant
from tenants.registry.directory import TenantRef
from tests.api.conftest import Caller
from tests.api.test_problems import assert_problem
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.errors import Conflict

pytestmark = pytest.mark.django_db


def opened(tenant: TenantRef, user_id: UUID, **changes: Any) -> Operation:
    fields: dict[str, Any] = {
        "kind": "booking",
        "user_id": user_id,
        "resource_path": "/api/v1/bookings/1",
        "resource_id": uuid4(),
        "deadline_at": utcnow() + timedelta(seconds=600),
        "correlation_id": uuid4(),
    }
    with enter_tenant(tenant), transaction.atomic():
        return open_operation(**{**fields, **changes})


@pytest.fixture
def operation(tenant: TenantRef, caller: Caller) -> Operation:
    return opened(tenant, caller.user_id)


@pytest.fixture
def inside(tenant: TenantRef) -> Iterator[None]:
    with enter_tenant(tenant):
        yield


def test_opening_sets_the_net_under_the_deadline(operation: Operation, inside: None) -> None:
    message = Message.objects.get(topic="operation.expire")
    assert message.payload == {"operation_id": str(operation.id)}
    delivery = Delivery.objects.get(message_id=message.id)
    late = delivery.not_before - operation.deadline_at
    assert abs(late - EXPIRY_GRACE) < timedelta(seconds=5)


def test_what_its_owner_left_open_expires(operation: Operation, inside: None) -> None:
    class Envelope:
        body = ExpireOperation(operation_id=operation.id)

    on_expire_operation(Envelope())
    operation.refresh_from_db()
    assert operation.status == "expired"
    assert operation.error["type"].endswith("/operation-expired")
    finished = operation.finished_at
    on_expire_operation_dead(Envelope(), None)
    operation.refresh_from_db()
    assert operation.finished_at == finished


def test_a_final_state_never_changes(operation: Operation, inside: None) -> None:
    assert succeed_operation(operation_id=operation.id, result={"ride": 1})
    assert not fail_operation(operation_id=operation.id, error=OperationExpired())
    assert not cancel_operation(operation_id=operation.id)
    assert not expire_operation(operation_id=operation.id)
    record_step(operation_id=operation.id, step="late")
    operation.refresh_from_db()
    assert (operation.status, operation.result, operation.error, operation.steps) == (
        "succeeded",
        {"ride": 1},
        None,
        [],
    )


def test_steps_are_noted_once_in_their_order(operation: Operation, inside: None) -> None:
    for step in ("planned", "paid", "planned"):
        record_step(operation_id=operation.id, step=step)
    operation.refresh_from_db()
    assert operation.status == "running"
    assert [step["name"] for step in operation.steps] == ["planned", "paid"]


@pytest.mark.parametrize(
    "change",
    ["status = 'succeeded'", "finished_at = now()", "result = '1'", "status = 'gone', finished_at = now()"],
)
def test_the_database_refuses_contradictions(operation: Operation, inside: None, change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE api_operation SET {change} WHERE id = %s", [operation.id])


def test_get_is_200_whatever_became_of_it(operation: Operation, caller: Caller, tenant: TenantRef) -> None:
    response = caller.get(operation.path)
    assert (response.status_code, response["Retry-After"]) == (200, "1")
    assert response.json()["status"] == "accepted"
    assert response.json()["links"] == {"self": operation.path, "resource": "/api/v1/bookings/1"}
    with enter_tenant(tenant):
        fail_operation(operation_id=operation.id, error=OperationExpired("Too late."))
    response = caller.get(operation.path)
    assert response.status_code == 200
    assert "Retry-After" not in response
    assert response.json()["error"]["detail"] == "Too late."
    assert "result" not in response.json()


def test_the_result_is_embedded(operation: Operation, caller: Caller, tenant: TenantRef) -> None:
    with enter_tenant(tenant):
        succeed_operation(operation_id=operation.id, result={"unicorn": "Rocinante"})
    assert caller.get(operation.path).json()["result"] == {"unicorn": "Rocinante"}


def test_whose_operations_one_sees(
    operation: Operation, caller: Caller, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    stranger, manager = Caller(tenant), Caller(tenant, role="manager")
    foreigner = Caller(other_tenant, role="administrator", user_id=caller.user_id)
    assert_problem(stranger.get(operation.path), 404)
    assert_problem(stranger.delete(operation.path), 404)
    assert_problem(foreigner.get(operation.path), 404)
    assert stranger.get("/api/v1/operations").json()["items"] == []
    assert foreigner.get("/api/v1/operations").json()["items"] == []
    assert manager.get(operation.path).status_code == 200
    assert [item["id"] for item in manager.get("/api/v1/operations").json()["items"]] == [str(operation.id)]


def test_asking_to_cancel_publishes_once(operation: Operation, caller: Caller, tenant: TenantRef) -> None:
    first, second = caller.delete(operation.path), caller.delete(operation.path)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first["Location"] == operation.path
    assert first.json()["cancel_requested_at"] == second.json()["cancel_requested_at"] is not None
    with enter_tenant(tenant):
        asked = Message.objects.get(topic="operation.cancel_requested")
        assert asked.payload["operation_id"] == str(operation.id)
        assert asked.correlation_id == operation.correlation_id


def test_asking_again_after_it_was_cancelled_is_answered_like_the_first(
    operation: Operation, caller: Caller, tenant: TenantRef
) -> None:
    """The first answer may have been lost with the process that gave it (RFC 9110, 9.2.2: DELETE is idempotent)."""
    first = caller.delete(operation.path)
    with enter_tenant(tenant):
        assert cancel_operation(operation_id=operation.id)
    again = caller.delete(operation.path)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again["Location"] == first["Location"]
    assert (first.json()["status"], again.json()["status"]) == ("accepted", "cancelled")
    with enter_tenant(tenant):
        assert Message.objects.filter(topic="operation.cancel_requested").count() == 1


@pytest.mark.parametrize(
    "end",
    [
        partial(succeed_operation, result={}),
        partial(fail_operation, error=Conflict("It cannot be done.")),
        expire_operation,
    ],
    ids=["succeeded", "failed", "expired"],
)
def test_what_ended_otherwise_cannot_be_cancelled(
    operation: Operation, caller: Caller, tenant: TenantRef, end: Callable[..., bool]
) -> None:
    with enter_tenant(tenant):
        assert end(operation_id=operation.id)
    assert_problem(caller.delete(operation.path), 409, "operation-final")


def test_pages_cover_everything_once(caller: Caller, tenant: TenantRef) -> None:
    made = [str(opened(tenant, caller.user_id, kind="booking" if i % 2 else "other").id) for i in range(7)]
    seen: list[str] = []
    path: str | None = "/api/v1/operations?limit=3"
    while path:
        page = caller.get(path)
        assert page.status_code == 200
        seen += [item["id"] for item in page.json()["items"]]
        path = page.json()["next"]
        assert path is None or page["Link"] == f'<{path}>; rel="next"'
    assert seen == made[::-1]
    odd = caller.get("/api/v1/operations?kind=other&status=accepted&limit=3").json()
    assert len(odd["items"]) == 3
    assert "kind=other" in odd["next"]
    assert len(caller.get(odd["next"]).json()["items"]) == 1


def test_a_cursor_is_good_for_its_own_list_only(caller: Caller, tenant: TenantRef, other_tenant: TenantRef) -> None:
    for _ in range(2):
        opened(tenant, caller.user_id)
    following = caller.get("/api/v1/operations?limit=1").json()["next"]
    assert_problem(Caller(other_tenant).get(following), 400, "invalid-query")
    flipped = following[:-3] + ("A" if following[-3] != "A" else "B") + following[-2:]
    assert_problem(caller.get(flipped), 400, "invalid-query")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, wait=5", 5),
        ('Wait = "7" ; x=y', 7),
        ("wait=99999", 20),
        ("wait=0", 0),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait", None),
        ("wait=" + "9" * 400, None),
        ("wait=\u0665", None),
        ("", None),
    ],
)
def test_prefer_is_read_as_rfc_7240_says(header: str, seconds: int | None) -> None:
    assert prefer.wait_seconds(header) == seconds


def test_waiting_ends_when_time_is_up(operation: Operation, caller: Caller) -> None:
    response = caller.get(operation.path, prefer="wait=1")
    assert (response.status_code, response["Preference-Applied"]) == (200, "wait=1")
    assert response.json()["status"] == "accepted"


def test_nobody_waits_for_what_has_ended(operation: Operation, caller: Caller, tenant: TenantRef) -> None:
    with enter_tenant(tenant):
        cancel_operation(operation_id=operation.id)
    assert "Preference-Applied" not in caller.get(operation.path, prefer="wait=20")


def test_one_waiter_too_many_is_answered_at_once(operation: Operation, caller: Caller, settings: Any) -> None:
    settings.API = {**settings.API, "PREFER_WAIT_MAX_WAITERS": 0}
    response = caller.get(operation.path, prefer="wait=20")
    assert response.status_code == 200
    assert "Preference-Applied" not in response
