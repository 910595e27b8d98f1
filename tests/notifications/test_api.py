import json

import pytest

from notifications.models import Endpoint
from tenants.registry.context import enter_tenant

URL = "/api/v1/webhook"


@pytest.fixture
def administrator(api_client, tenant):
    return api_client(tenant, role="administrator")


def _put(client, url):
    return client.put(URL, data=json.dumps({"url": url}), content_type="application/json")


def test_an_endpoint_is_set_shown_changed_and_removed(administrator, receiver):
    assert administrator.get(URL).status_code == 404
    created = _put(administrator, receiver.url)
    assert created.status_code == 201, created.content
    assert created.json()["secret"].startswith("whsec_")
    shown = administrator.get(URL).json()
    assert shown["url"] == receiver.url
    assert shown["state"] == "active"
    assert "secret" not in shown
    changed = _put(administrator, receiver.url + "/2")
    assert changed.status_code == 200
    assert "secret" not in changed.json()
    assert administrator.get(URL).json()["url"] == receiver.url + "/2"
    assert administrator.delete(URL).status_code == 204
    assert administrator.get(URL).status_code == 404


def test_a_secret_is_rotated_and_shown_once(administrator, receiver):
    path = f"{URL}/secret"
    assert administrator.post(path).status_code == 404
    first = _put(administrator, receiver.url).json()["secret"]
    rotated = administrator.post(path)
    assert rotated.status_code == 201
    assert rotated.json()["secret"] not in ("", first)
    assert rotated.json()["previous_secret_valid_until"]
    assert first not in administrator.get(URL).content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks",
        "ftp://example.com/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1:0/",
        "https://exa mple.com/",
        "http://127.0.0.1/" + "x" * 600,
        "http://127.0.0.1/\u0001",
        7,
        None,
    ],
)
def test_addresses_that_may_not_be_called_are_refused(administrator, tenant, url):
    answer = _put(administrator, url)
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["pointer"] == "/url"
    with enter_tenant(tenant):
        assert not Endpoint.objects.exists()


@pytest.mark.parametrize("role", ["rider", "manager"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("put", ""), ("delete", ""), ("post", "/secret"), ("get", "/deliveries")],
)
def test_only_administrators_see_or_change_it(api_client, tenant, role, method, path):
    client = api_client(tenant, role=role)
    assert getattr(client, method)(URL + path).status_code == 403


def test_the_log_shows_what_was_pushed_to_this_company_alone(
    administrator, api_client, tenant, other_tenant, receiver, confirm, drain
):
    _put(administrator, receiver.url)
    with enter_tenant(tenant):
        delivered = confirm()
        drain()
        receiver.script[:] = [(500, {})]
        pending = confirm()
        drain()
    items = administrator.get(f"{URL}/deliveries").json()["items"]
    assert [(item["id"], item["state"]) for item in items] == [(str(pending), "pending"), (str(delivered), "delivered")]
    assert "500" in items[0]["last_error"]
    assert items[1]["last_error"] == ""
    filtered = administrator.get(f"{URL}/deliveries", {"state": "delivered"}).json()["items"]
    assert [item["id"] for item in filtered] == [str(delivered)]
    assert administrator.get(f"{URL}/deliveries?state=lost").status_code == 400
    others = api_client(other_tenant, role="administrator").get(f"{URL}/deliveries").json()
    assert others == {"items": [], "next": None}
