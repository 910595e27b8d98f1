"""Logging in to the console: two steps, sessions that end, guessing that is stopped, all over HTTP."""

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from audit.models import Entry
from tenants.identity.models import User
from tenants.staff.models import Authenticator
from tests.tenants.staff.conftest import ENROL, LOGIN, PASSWORD, VERIFY, Phone, code_at, enrolled, log_in
from wildrydes.configuration.staff import second_factor
from wildrydes.kernel.clock import utcnow

INDEX = "/admin/"


def test_without_one_and_optional_nothing_changes(ann, console):
    assert log_in(console, ann).status_code == 302
    assert console.get(INDEX).status_code == 200


def test_required_leads_to_enrolment_and_nowhere_else(ann, console, settings):
    settings.STAFF_SECOND_FACTOR = "required"
    log_in(console, ann)
    for path in (INDEX, "/admin/identity/user/", "/admin/nonsense/", "/admin/password_change/"):
        answer = console.get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"{ENROL}?next={path}")
    assert console.post("/admin/identity/user/add/", {"email": "x@y.example"})["Location"] == f"{ENROL}?next=/admin/"
    page = console.get(ENROL).content.decode()
    secret = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', page)[1]
    assert "<svg" in page
    answer = console.post(ENROL, {"code": code_at(secret, utcnow())})
    assert len(re.findall(r"<li>([A-Z2-7-]{19})</li>", answer.content.decode())) == 10
    assert answer["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert console.get(INDEX).status_code == 200


def test_the_second_step(ann, console):
    phone, _ = enrolled(ann)
    log_in(console, ann)
    before = console.session.session_key
    assert console.get("/admin/identity/user/")["Location"] == f"{VERIFY}?next=/admin/identity/user/"
    assert console.get(VERIFY).status_code == 200
    assert console.post(VERIFY, {"code": "000000"}).status_code == 422
    answer = console.post(f"{VERIFY}?next=/admin/identity/user/", {"code": phone.later(0)})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/identity/user/")
    assert console.get("/admin/identity/user/").status_code == 200
    # A session that somebody fixed or saw before is worth nothing.
    assert console.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_nobody_is_led_to_another_site(ann, console, wanted):
    phone, _ = enrolled(ann)
    log_in(console, ann)
    assert console.post(f"{VERIFY}?next={wanted}", {"code": phone.later(0)})["Location"] == INDEX


def test_the_password_alone_changes_nothing_of_it(ann, console):
    """Whoever knows the password must not get past the second step by setting up, renewing or removing it."""
    enrolled(ann)
    log_in(console, ann)
    for path in (
        ENROL,
        "/admin/second-factor/",
        "/admin/second-factor/recovery-codes/",
        "/admin/second-factor/remove/",
    ):
        for answer in (console.get(path), console.post(path, {"code": "000000"})):
            assert (answer.status_code, answer["Location"].split("?")[0]) == (302, VERIFY)
    assert Authenticator.objects.get().confirmed_at


@pytest.mark.parametrize("path", [VERIFY, ENROL, "/admin/second-factor/"])
def test_without_a_password_there_is_only_the_login(db, console, path):
    answer = console.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith(LOGIN)


def test_it_is_not_there_on_tenants_hosts(tenant):
    for path in (VERIFY, ENROL, "/admin/second-factor/"):
        assert Client(headers={"host": "acme.localhost"}).get(path).status_code == 404


@pytest.mark.parametrize(
    "code",
    ["", " ", "\x00", "x" * 50_000, "\ud800", "<script>alert(1)</script>", "\uff11\uff12\uff13\uff14\uff15\uff16"],
)
def test_any_other_code_is_refused_on_the_page(ann, console, code):
    enrolled(ann)
    log_in(console, ann)
    answer = console.post(VERIFY, {"code": code.encode("utf-8", "surrogatepass")})
    assert answer.status_code in (200, 400, 422)
    assert b"<script>alert" not in answer.content


def test_guessing_codes_is_stopped_and_told(ann, console):
    phone, _ = enrolled(ann)
    log_in(console, ann)
    answers = [console.post(VERIFY, {"code": "000000"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 429]
    assert "Try again in 1 minute" in answers[-1].content.decode()
    assert 1 <= int(answers[-1]["Retry-After"]) <= 61
    # A new session, or another machine, begins with the same count.
    other = Client(headers={"host": "localhost"}, REMOTE_ADDR="203.0.113.9")
    log_in(other, ann)
    assert other.post(VERIFY, {"code": phone.later(0)}).status_code == 429


def test_a_recovery_code_lets_in_and_tells_how_many_are_left(ann, console):
    _, codes = enrolled(ann)
    log_in(console, ann)
    page = console.post(VERIFY, {"code": codes[3]}, follow=True)
    assert "9 are left" in page.content.decode()


def logged_in(ann: User, console: Client) -> Phone:
    phone, _ = enrolled(ann)
    log_in(console, ann)
    assert console.post(VERIFY, {"code": phone.later(0)}).status_code == 302
    return phone


def test_looking_after_it_takes_a_code_again(ann, console):
    phone = logged_in(ann, console)
    assert "10 of your recovery codes" in console.get("/admin/second-factor/").content.decode()
    refused = console.post("/admin/second-factor/recovery-codes/", {"code": "1"}, follow=True)
    assert "not right" in refused.content.decode()
    page = console.post("/admin/second-factor/recovery-codes/", {"code": phone.later()})
    assert page.content.decode().count("<li>") == 10
    Authenticator.objects.update(last_step=-1)
    assert console.post("/admin/second-factor/remove/", {"code": phone.later(0)}).status_code == 302
    assert not Authenticator.objects.exists()
    assert console.get(INDEX).status_code == 200


def test_a_session_ends_unused(ann, console, settings, monkeypatch):
    log_in(console, ann)
    assert console.get(INDEX).status_code == 200
    now = time.time()
    monkeypatch.setattr("tenants.staff.sessions.time.time", lambda: now + settings.STAFF_SESSION_IDLE_SECONDS + 1)
    answer = console.get(INDEX)
    assert (answer.status_code, answer["Location"]) == (302, f"{LOGIN}?next=/admin/")
    assert "60 minutes without a click" in console.get(LOGIN).content.decode()


def test_a_page_that_refreshes_itself_keeps_no_session_open(ann, console, settings, monkeypatch):
    log_in(console, ann)
    now = time.time()
    step = settings.STAFF_SESSION_IDLE_SECONDS // 2
    for at, expected in ((step, 200), (2 * step, 302)):
        monkeypatch.setattr("tenants.staff.sessions.time.time", lambda at=at: now + at + 1)
        assert console.get("/admin/front/", headers={"X-Refresh": "1"}).status_code == expected


def test_a_session_ends_however_busy(ann, console, settings, monkeypatch):
    log_in(console, ann)
    now = time.time()
    step = settings.STAFF_SESSION_IDLE_SECONDS // 2
    for at in range(step, settings.STAFF_SESSION_ABSOLUTE_SECONDS, step):
        monkeypatch.setattr("tenants.staff.sessions.time.time", lambda at=at: now + at)
        assert console.get(INDEX).status_code == 200
    monkeypatch.setattr("tenants.staff.sessions.time.time", lambda: now + settings.STAFF_SESSION_ABSOLUTE_SECONDS + 1)
    assert console.get(INDEX).status_code == 302
    assert "a session lasts 12 hours" in console.get(LOGIN).content.decode()


def helper(*permissions: str) -> User:
    user = User.objects.create_user("help@wildrydes.example", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="staff", codename__in=permissions))
    return user


def reset_page(user: User) -> str:
    return f"/admin/staff/authenticator/{Authenticator.objects.get(user=user).pk}/reset/"


def test_an_administrator_resets_and_open_sessions_end(ann, console):
    bob = User.objects.create_user("bob@wildrydes.example", PASSWORD, is_staff=True)
    bobs = Client(headers={"host": "localhost"})
    logged_in(bob, bobs)
    log_in(console, ann)
    page = reset_page(bob)
    assert "sessions end" in console.get(page).content.decode()
    assert console.post(page, {"reason": ""}).status_code == 200
    assert console.post(page, {"reason": "Phone stolen; called back"}).status_code == 302
    entry = Entry.objects.latest("id")
    assert (entry.action, entry.actor_name, entry.subject_id) == (
        "staff.second_factor_reset",
        ann.email,
        str(bob.pk),
    )
    assert bobs.get(INDEX)["Location"].startswith(LOGIN)


def test_who_may_reset(ann, console):
    bob = User.objects.create_user("bob@wildrydes.example", PASSWORD, is_staff=True)
    enrolled(bob)
    phone, _ = enrolled(ann)
    assert phone
    log_in(console, helper("view_authenticator"))
    assert console.get("/admin/staff/authenticator/").status_code == 200
    assert console.post(reset_page(bob), {"reason": "x"}).status_code == 403
    User.objects.filter(email="help@wildrydes.example").delete()
    log_in(console, helper("view_authenticator", "reset_authenticator"))
    # A superuser's would be a way to become one.
    assert console.post(reset_page(ann), {"reason": "x"}).status_code == 403
    assert console.post(reset_page(bob), {"reason": "x"}).status_code == 302
    assert console.get("/admin/staff/authenticator/nonsense/reset/").status_code in (302, 403, 404)
    assert Authenticator.objects.filter(user=ann).exists()


def test_it_goes_with_its_owner_and_not_by_itself(ann, console):
    bob = User.objects.create_user("bob@wildrydes.example", PASSWORD, is_staff=True)
    enrolled(bob)
    log_in(console, ann)
    held = Authenticator.objects.get()
    assert console.post(f"/admin/staff/authenticator/{held.pk}/delete/", {"post": "yes"}).status_code == 403
    assert console.post(f"/admin/identity/user/{bob.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Authenticator.objects.exists()


def test_a_page_that_was_left_open_tells_nothing_later(ann, console):
    log_in(console, ann)

    def shown() -> str:
        return re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', console.get(ENROL).content.decode())[1]

    assert shown() != shown()
    last = shown()
    again = console.post(ENROL, {"code": "000000"}).content.decode()
    assert last in again


def test_a_proxy_is_not_locked_out_for_one_guesser(ann, settings):
    """All come from the proxy's address; the guesser's own is the last that the proxy wrote."""
    settings.BEHIND_TLS_PROXY = True
    bob = User.objects.create_user("bob@wildrydes.example", PASSWORD, is_staff=True)

    def client(address: str) -> Client:
        return Client(headers={"host": "localhost", "x-forwarded-for": f"10.9.9.9, {address}"}, REMOTE_ADDR="10.0.0.1")

    def attempt(address: str, user: User, password: str) -> Any:
        return client(address).post(
            LOGIN, {"username": user.email, "password": password}, headers={"x-forwarded-proto": "https"}
        )

    for _ in range(settings.AXES_FAILURE_LIMIT):
        answer = attempt("198.51.100.7", ann, "a guess")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) == 900
    assert attempt("203.0.113.5", ann, PASSWORD).status_code == 302
    assert attempt("198.51.100.7", bob, PASSWORD).status_code == 302


def test_even_where_nobody_said_that_there_is_a_proxy(ann, console, settings):
    bob = User.objects.create_user("bob@wildrydes.example", PASSWORD, is_staff=True)
    for _ in range(settings.AXES_FAILURE_LIMIT):
        answer = log_in(console, ann, "a guess")
    assert answer.status_code == 429
    assert log_in(Client(headers={"host": "localhost"}), bob).status_code == 302


class _Env:
    def __init__(self, value: str | None) -> None:
        self._value = value

    def str(self, name: str, default: str) -> str:
        return default if self._value is None else self._value


@pytest.mark.parametrize(
    ("environment", "written", "expected"),
    [("production", None, "required"), ("development", None, "optional"), ("production", "optional", "optional")],
)
def test_what_is_the_rule_where_nobody_says(environment, written, expected):
    assert second_factor(_Env(written), environment=environment) == expected


def test_a_slip_does_not_open_the_door():
    with pytest.raises(ImproperlyConfigured, match="write required or optional"):
        second_factor(_Env("Require"), environment="production")
