"""The endpoints about the caller and the company's users."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection, connections

from tenants.identity import services
from tenants.identity.errors import LastAdministrator
from tenants.identity.models import Invitation, RefreshFamily, User
from tenants.registry.context import enter_tenant
from tenants.registry.directory import forget
from tenants.registry.models import Tenant, TenantStatus
from tests.tenants.identity.conftest import PASSWORD

USERS = "/api/v1/users"
JSON_PROBLEM = "application/problem+json"


@pytest.fixture
def boss(make_user):
    return make_user("boss@acme.example", role="administrator", name="Grace")


@pytest.fixture
def as_boss(bearer, boss):
    return bearer(boss)


def test_me(acme, ada, bearer, tenant):
    body = acme.get("/api/v1/me", **bearer(ada)).json()
    assert (body["id"], body["email"], body["role"]) == (str(ada.id), "ada@acme.example", "rider")
    assert body["tenant"]["slug"] == "acme"
    assert body["quota"]["requests_per_minute"] == tenant.tier.requests_per_minute


def test_me_of_someone_who_is_gone(acme, ada, bearer, in_tenant):
    header = bearer(ada)
    ada.delete()
    assert acme.get("/api/v1/me", **header).status_code == 404


def test_refreshing_and_logging_out(acme, ada):
    first = acme.post("/api/v1/auth/token", {"email": ada.email, "password": PASSWORD}).json()
    second = acme.post("/api/v1/auth/token/refresh", {"refresh": first["refresh"]})
    assert second.status_code == 200
    assert second["Cache-Control"] == "no-store"
    token = second.json()["refresh"]
    assert acme.post("/api/v1/auth/logout", {"refresh": token}).status_code == 204
    assert acme.post("/api/v1/auth/logout", {"refresh": "whatever"}).status_code == 204
    refused = acme.post("/api/v1/auth/token/refresh", {"refresh": token})
    assert refused.status_code == 401
    assert refused["Content-Type"] == JSON_PROBLEM
    assert refused["WWW-Authenticate"]


def test_changing_the_password_ends_all_logins(acme, ada, bearer, in_tenant):
    refresh = services.issue_tokens(user=ada).refresh
    path = "/api/v1/me/password"
    header = bearer(ada)
    wrong = acme.post(path, {"current_password": "a guess", "password": "quite another phrase"}, **header)
    assert wrong.status_code == 401
    weak = acme.post(path, {"current_password": PASSWORD, "password": "short"}, **header)
    assert weak.status_code == 422
    assert weak.json()["errors"][0]["pointer"] == "/password"
    done = acme.post(path, {"current_password": PASSWORD, "password": "quite another phrase"}, **header)
    assert done.status_code == 204
    assert acme.post("/api/v1/auth/token/refresh", {"refresh": refresh}).status_code == 401
    assert acme.post("/api/v1/auth/token", {"email": ada.email, "password": PASSWORD}).status_code == 401
    new = acme.post("/api/v1/auth/token", {"email": ada.email, "password": "quite another phrase"})
    assert new.status_code == 200


@pytest.mark.parametrize("role", ["rider", "manager"])
def test_users_are_the_administrators_business(acme, make_user, bearer, role, in_tenant):
    header = bearer(make_user("someone@acme.example", role=role))
    other = make_user("other@acme.example")
    assert acme.get(USERS, **header).status_code == 403
    assert acme.post(USERS, {"email": "new@acme.example"}, **header).status_code == 403
    assert acme.get(f"{USERS}/{other.id}", **header).status_code == 403
    assert acme.patch(f"{USERS}/{other.id}", {"role": "manager"}, **header).status_code == 403
    assert User.objects.count() == 2


def test_listing_users(acme, as_boss, make_user):
    make_user("ada@acme.example", role="manager")
    make_user("gone@acme.example", is_active=False)
    body = acme.get(USERS, **as_boss).json()
    assert {(user["email"], user["status"]) for user in body["items"]} == {
        ("boss@acme.example", "active"),
        ("ada@acme.example", "active"),
        ("gone@acme.example", "deactivated"),
    }
    filtered = acme.get(f"{USERS}?role=manager&is_active=true", **as_boss).json()["items"]
    assert [user["email"] for user in filtered] == ["ada@acme.example"]
    page = acme.get(f"{USERS}?limit=2", **as_boss).json()
    assert len(acme.get(page["next"], **as_boss).json()["items"]) == 1
    for bad in (
        "role=king",
        "is_active=perhaps",
        "limit=0",
        "limit=x",
        "cursor=x",
        "order=email",
        "role=rider&role=rider",
    ):
        assert acme.get(f"{USERS}?{bad}", **as_boss).status_code == 400


def test_another_tenants_user_is_not_found(acme, as_boss, other_tenant):
    with enter_tenant(other_tenant):
        theirs = User.objects.create(email="theirs@globex.example", password="!")
    for stranger in (theirs.id, uuid4()):
        assert acme.get(f"{USERS}/{stranger}", **as_boss).status_code == 404
        assert acme.patch(f"{USERS}/{stranger}", {"is_active": False}, **as_boss).status_code == 404
    assert acme.get(f"{USERS}/not-a-uuid", **as_boss).status_code == 404
    with enter_tenant(other_tenant):
        assert User.objects.get(pk=theirs.pk).is_active


def test_inviting(acme, as_boss, in_tenant):
    answer = acme.post(USERS, {"email": "New@acme.example", "name": "New", "role": "manager"}, **as_boss)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["email"], body["role"], body["status"]) == ("new@acme.example", "manager", "invited")
    assert body["invitation"]["sent_at"] is None
    assert acme.get(answer["Location"], **as_boss).json() == body
    assert "token" not in answer.content.decode().replace("token_hash", "")
    again = acme.post(USERS, {"email": "new@acme.example"}, **as_boss)
    assert again.status_code == 201
    assert again.json()["id"] == body["id"]
    assert Invitation.objects.count() == 1


def test_inviting_someone_who_is_a_user_already(acme, as_boss, ada):
    answer = acme.post(USERS, {"email": ada.email}, **as_boss)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/already-a-user")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "no-address"},
        {"email": "a@b"},
        {"email": "a" * 250 + "@b.example"},
        {"email": "x@y.example\n"},
        {"email": "x@y.example", "role": "king"},
        {"email": "x@y.example", "role": None},
        {"email": "x@y.example", "name": "n" * 101},
        {"email": "x@y.example", "name": "\0"},
        {"email": "x@y.example", "name": 5},
        {"email": "x@y.example", "is_staff": True},
        {"email": "x@y.example", "is_superuser": True},
        {"email": ["x@y.example"]},
    ],
    ids=lambda body: str(body)[:40],
)
def test_invitations_are_taken_strictly(acme, as_boss, body, in_tenant):
    answer = acme.post(USERS, body, **as_boss)
    if body.get("email") == "x@y.example\n":  # white space around an address is nobody's mistake
        assert answer.status_code in (201, 422)
        return
    assert answer.status_code in (400, 422)
    assert User.objects.count() == 1


def test_changing_a_user(acme, as_boss, ada, in_tenant):
    services.issue_tokens(user=ada)
    path = f"{USERS}/{ada.id}"
    assert acme.patch(path, {"role": "manager", "name": ""}, **as_boss).json()["role"] == "manager"
    assert acme.patch(path, {"is_active": False}, **as_boss).json()["status"] == "deactivated"
    assert RefreshFamily.objects.get().revoked_reason == "deactivated"
    assert acme.post("/api/v1/auth/token", {"email": ada.email, "password": PASSWORD}).status_code == 401
    assert acme.patch(path, {"is_active": True}, **as_boss).json()["status"] == "active"
    assert acme.patch(path, {}, **as_boss).status_code == 200
    for bad in ({"email": "x@y.example"}, {"role": 1}, {"is_active": "no"}, {"is_active": None}, {"is_staff": True}):
        assert acme.patch(path, bad, **as_boss).status_code == 422


def test_the_last_administrator_stays(acme, as_boss, boss, make_user, in_tenant):
    path = f"{USERS}/{boss.id}"
    services.invite_user(
        email="not.yet@acme.example", name="", role="administrator"
    )  # cannot log in, so does not count
    make_user("gone@acme.example", role="administrator", is_active=False)
    for change in ({"role": "rider"}, {"is_active": False}):
        answer = acme.patch(path, change, **as_boss)
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("/last-administrator")
    assert acme.patch(path, {"name": "Still here"}, **as_boss).status_code == 200
    make_user("second@acme.example", role="administrator")
    assert acme.patch(path, {"role": "rider"}, **as_boss).status_code == 200


def test_two_administrators_cannot_demote_each_other_at_once(committed, tenant, in_tenant):
    both = [User.objects.create(email=f"a{n}@acme.example", password="md5$x$y", role="administrator") for n in range(2)]
    start = Barrier(2)

    def demote(user):
        try:
            with enter_tenant(tenant):
                connection.ensure_connection()
                start.wait(timeout=20)
                services.update_user(user_id=user.pk, role="rider")
                return True
        except LastAdministrator:
            return False
        finally:
            connections.close_all()

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(demote, both)) == [False, True]
        User.objects.update(role="administrator")


def test_a_suspended_tenants_tokens_stop_within_a_minute(acme, ada, bearer, tenant, monkeypatch):
    header = bearer(ada)
    assert acme.get("/api/v1/me", **header).status_code == 200
    # Another process suspends: nothing tells this one.
    Tenant.objects.filter(pk=tenant.id).update(status=TenantStatus.SUSPENDED)
    from tenants.registry import directory

    real = directory.time.monotonic
    monkeypatch.setattr(directory.time, "monotonic", lambda: real() + 59)
    answer = acme.get("/api/v1/me", **header)
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("/tenant-suspended")
    monkeypatch.undo()
    forget()
