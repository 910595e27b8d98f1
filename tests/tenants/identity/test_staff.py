"""Support staff: the console's users, what they may do, and how guessing at their passwords ends."""

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.test import Client

from tenants.identity.models import User
from tenants.registry.context import enter_tenant

PASSWORD = "a long console phrase"
LOGIN = "/admin/login/"


@pytest.fixture
def superuser(db):
    return User.objects.create_superuser("Root@Wildrydes.example", PASSWORD)


@pytest.fixture
def helper(db):
    from django.contrib.auth.models import Permission

    user = User.objects.create_user("helper@wildrydes.example", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="identity", codename__endswith="_user"))
    return user


@pytest.fixture
def console():
    return Client(headers={"host": "localhost"})


def log_in(console, email, password=PASSWORD):
    return console.post(LOGIN, {"username": email, "password": password, "next": "/admin/"})


def test_createsuperuser_makes_one_in_public(db, monkeypatch, console):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email="Boss@Wildrydes.example", verbosity=0)
    assert User.objects.get().email == "boss@wildrydes.example"
    assert log_in(console, "boss@wildrydes.example").status_code == 302
    assert console.get("/admin/identity/user/").status_code == 200


def test_staff_may_write_their_address_in_any_case(superuser, console):
    assert log_in(console, "ROOT@wildrydes.example").status_code == 302


@pytest.mark.parametrize("name", ["", "\0", "\ud800", "x" * 10_000, "<script>", "' OR 1=1 --"])
def test_any_other_name_is_refused(superuser, console, name):
    body = {"username": name.encode("utf-8", "surrogatepass"), "password": "x"}
    assert console.post(LOGIN, body).status_code in (200, 400)


def test_staff_is_nobody_at_a_tenant(superuser, tenant, acme):
    answer = acme.post("/api/v1/auth/token", {"email": superuser.email, "password": PASSWORD})
    assert answer.status_code == 401
    with enter_tenant(tenant):
        assert not User.objects.filter(email=superuser.email).exists()


def test_tenants_users_do_not_enter_the_console(ada, console):
    from tests.tenants.identity.conftest import PASSWORD as THEIRS

    assert log_in(console, ada.email, THEIRS).status_code == 200  # the form again
    assert console.get("/admin/").status_code == 302


def test_the_console_is_not_on_tenants_hosts(tenant, acme):
    assert acme.get("/admin/").status_code == 404
    assert acme.get(LOGIN).status_code == 404


def test_a_superuser_makes_staff(superuser, console):
    console.force_login(superuser, backend="django.contrib.auth.backends.ModelBackend")
    body = {
        "email": "New@Wildrydes.example",
        "name": "New",
        "is_staff": "on",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    answer = console.post("/admin/identity/user/add/", body)
    assert answer.status_code == 302, answer.context["errors"] if answer.context else answer.content
    made = User.objects.get(email="new@wildrydes.example")
    assert made.is_staff
    assert not made.is_superuser
    assert console.get(f"/admin/identity/user/{made.pk}/change/").status_code == 200
    assert console.get("/admin/identity/user/?q=new").status_code == 200
    assert console.get("/admin/auth/group/").status_code == 200


def test_nobody_makes_themselves_a_superuser(helper, superuser, console):
    console.force_login(helper, backend="django.contrib.auth.backends.ModelBackend")
    body = {"email": helper.email, "name": "H", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    assert console.post(f"/admin/identity/user/{helper.pk}/change/", body).status_code == 302
    helper.refresh_from_db()
    assert not helper.is_superuser
    new = {"usable_password": "true", "password1": "quite another phrase", "password2": "quite another phrase"}
    assert console.post(f"/admin/identity/user/{superuser.pk}/password/", new).status_code == 403
    assert console.post(f"/admin/identity/user/{superuser.pk}/delete/", {"post": "yes"}).status_code == 403
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)


def test_guessing_locks_out_politely(superuser, console, settings):
    spellings = [superuser.email, superuser.email.upper(), superuser.email.title()] * 5
    for spelling in spellings[: settings.AXES_FAILURE_LIMIT - 1]:
        assert log_in(console, spelling, "a guess").status_code == 200
    answer = log_in(console, superuser.email, "a guess")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "900"
    page = answer.content.decode()
    assert "Too many attempts to log in" in page
    assert "15 minutes" in page
    assert log_in(console, superuser.email).status_code == 429
    elsewhere = Client(headers={"host": "localhost"}, REMOTE_ADDR="203.0.113.9")
    assert log_in(elsewhere, superuser.email).status_code == 302
    assert AccessAttempt.objects.exists()
