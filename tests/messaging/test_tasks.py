import uuid

import pytest

from messaging import tasks

TENANT = uuid.uuid4()


@pytest.fixture
def delivered(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks, "deliver", lambda delivery_id, tenant_id: calls.append((delivery_id, tenant_id)))
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)
    return calls


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"MessageGroupId": str(TENANT)}, TENANT, id="a tenant's"),
        pytest.param({"MessageGroupId": "platform"}, None, id="the platform's"),
        pytest.param({}, None, id="of another version"),
        pytest.param(None, None, id="without properties"),
        pytest.param({"MessageGroupId": 7}, None, id="nonsense"),
    ],
)
def test_the_wake_up_says_whose_delivery_it_is(delivered, properties, expected):
    delivery_id = uuid.uuid4()
    task = tasks.deliver_task
    task.push_request(properties=properties)
    try:
        task.run(str(delivery_id), 0)
    finally:
        task.pop_request()
    assert delivered == [(delivery_id, expected)]
