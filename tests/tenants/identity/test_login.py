"""Logging in: what it tells, what it costs, how often it may be tried."""

import json
import time
from collections import Counter

import pytest
from django.contrib.auth import hashers
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.identity import throttling
from tenants.identity.models import User
from tenants.identity.tokens import AccessToken
from tests.tenants.identity.conftest import PASSWORD

LOGIN = "/api/v1/auth/token"


def log_in(host, email="ada@acme.example", password=PASSWORD, **headers):
    return host.post(LOGIN, {"email": email, "password": password}, **headers)


def test_gives_tokens(acme, ada, tenant):
    answer = log_in(acme)
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["access_expires_in"] == 600
    assert body["refresh_expires_in"] == 14 * 24 * 3600
    assert AccessToken(body["access"]).claims.sub == ada.id
    assert answer["Cache-Control"] == "no-store"


def test_the_address_is_taken_in_any_case(acme, ada):
    assert log_in(acme, "  ADA@Acme.Example ").status_code == 200


def test_a_user_of_one_tenant_is_nobody_at_another(globex, ada):
    assert log_in(globex).status_code == 401


def test_a_token_that_is_sent_along_is_not_looked_at(acme, ada):
    assert log_in(acme, authorization="Bearer garbage").status_code == 200


class Counting(hashers.MD5PasswordHasher):
    """Counts its work."""

    runs: Counter = Counter()

    def encode(self, password, salt):
        self.runs["encode"] += 1
        return super().encode(password, salt)


def _unknown(make_user):
    return "nobody@acme.example", PASSWORD


def _wrong_password(make_user):
    make_user()
    return "ada@acme.example", "not the password"


def _deactivated(make_user):
    make_user(is_active=False)
    return "ada@acme.example", PASSWORD


def _not_accepted(make_user):
    make_user(password="!" + "x" * 40)
    return "ada@acme.example", PASSWORD


REASONS = [_unknown, _wrong_password, _deactivated, _not_accepted]


def test_no_reason_can_be_told_from_another(acme, make_user, settings, tenant):
    """The same bytes, the same work of the hasher, the same number of queries."""
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    seen = {}
    log_in(acme, "warm@acme.example")  # the directory of tenants is read once
    for reason in REASONS:
        email, password = reason(make_user)
        Counting.runs.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = log_in(acme, email, password)
        seen[reason.__name__] = (
            answer.status_code,
            answer.content,
            {name: value for name, value in answer.headers.items() if name != "X-Request-Id"},
            Counting.runs["encode"],
            len(queries),
        )
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM t_acme.identity_user")
    assert len({json.dumps([str(part) for part in parts]) for parts in seen.values()}) == 1, seen
    status, body, headers, runs, _ = seen["_unknown"]
    assert (status, runs) == (401, 1)
    assert headers["WWW-Authenticate"].startswith("Bearer")
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["type"].endswith("/invalid-credentials")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"{}",
        b'{"email": 5, "password": "x"}',
        b'{"email": true, "password": ["x"]}',
        b'{"email": {"a": 1}, "password": null}',
        b'{"email": "a@b.example", "password": "x", "admin": true}',
        b'{"email": "a@b.example", "email": "c@d.example", "password": "x"}',
        b'{"email": "a\\u0000@b.example", "password": "x"}',
        b'{"email": "a@b.example", "password": "x\\u0000"}',
        b'{"email": "\\ud800", "password": "x"}',
        b'{"email": "a@b.example", "password": "\\udfff"}',
        b'{"email": "\xff", "password": "x"}',
        json.dumps({"email": "a" * 255, "password": "x"}).encode(),
        json.dumps({"email": "a@b.example", "password": "x" * 257}).encode(),
        json.dumps({"email": "", "password": ""}).encode(),
        b'{"email": ' + b"[" * 5_000 + b"]" * 5_000 + b', "password": "x"}',
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
@pytest.mark.parametrize(
    "path", [LOGIN, "/api/v1/auth/token/refresh", "/api/v1/auth/logout", "/api/v1/auth/invitations/accept"]
)
def test_bodies_are_taken_strictly(acme, path, body):
    answer = acme.post(path, body)
    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.fixture
def limits(settings):
    settings.LOGIN_THROTTLE = {"address": "6/1minute", "stranger": "3/15minutes", "familiar": "4/1minute"}


def _away(monkeypatch):
    away = throttling._Counting("redis+unix:///nowhere/at/all?db=0")
    monkeypatch.setattr(throttling, "_here", lambda: away)


@pytest.fixture(params=["redis", "without redis"])
def counted(request, limits, monkeypatch):
    """Both places where attempts are counted."""
    if request.param == "without redis":
        _away(monkeypatch)


def test_guessing_at_one_account_is_slowed_down(acme, ada, counted):
    for _ in range(3):
        assert log_in(acme, password="a guess").status_code == 401
    answer = log_in(acme, password=PASSWORD)
    assert answer.status_code == 429
    assert answer.json()["type"].endswith("/too-many-logins")
    assert 890 < int(answer["Retry-After"]) <= 901
    assert log_in(acme, "someone.else@acme.example").status_code == 401


def test_an_unknown_account_is_throttled_like_any_other(acme, counted):
    statuses = [log_in(acme, "nobody@acme.example").status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]


def test_guessing_from_one_network_is_slowed_down(acme, tenant, counted):
    statuses = [log_in(acme, f"user{number}@acme.example").status_code for number in range(7)]
    assert statuses == [401] * 6 + [429]


def test_success_is_forgiven(acme, ada, counted):
    for _ in range(2):
        log_in(acme, password="a guess")
    assert log_in(acme).status_code == 200
    assert log_in(acme, password="a guess").status_code == 401
    assert log_in(acme).status_code == 200


def test_tenants_are_throttled_apart(acme, globex, ada, counted):
    for _ in range(4):
        log_in(acme, password="a guess")
    assert log_in(acme).status_code == 429
    assert log_in(globex).status_code == 401


def test_an_attacker_locks_nobody_out(acme, ada, counted, settings):
    """Its owner gets in from where they have been before, while strangers are held off."""
    settings.BEHIND_TLS_PROXY = True
    home = {"x-forwarded-for": "203.0.113.5"}
    assert log_in(acme, **home).status_code == 200
    for number in range(5):
        log_in(acme, password="a guess", **{"x-forwarded-for": f"198.51.100.{number}"})
    assert log_in(acme, **{"x-forwarded-for": "198.51.100.77"}).status_code == 429
    assert log_in(acme, **home).status_code == 200


def test_the_network_cannot_be_chosen_by_the_client(acme, ada, limits, settings):
    claims = [log_in(acme, f"u{n}@acme.example", **{"x-forwarded-for": f"192.0.2.{n}"}).status_code for n in range(7)]
    assert claims[-1] == 429  # no proxy of ours: the header is nobody's
    settings.BEHIND_TLS_PROXY = True
    proxied = [
        log_in(acme, f"v{n}@acme.example", **{"x-forwarded-for": f"192.0.2.{n}, 198.51.100.9"}).status_code
        for n in range(7)
    ]
    assert proxied[-1] == 429  # the proxy's own entry is the last


def test_the_wait_that_is_told_is_the_wait_there_is(acme, ada, settings):
    settings.LOGIN_THROTTLE = {"address": "100/1minute", "stranger": "1/1second", "familiar": "1/1second"}
    log_in(acme, password="a guess")
    answer = log_in(acme)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "1"
    time.sleep(1)  # the promise is about time, so time has to pass
    assert log_in(acme).status_code == 200


def test_no_address_is_stored_in_the_clear(acme, ada):
    log_in(acme, password="a guess")
    counting = throttling._here()
    keys = counting.run(lambda store: [bytes(key) for key in store.storage.storage.keys("logins*")])
    assert keys
    assert not any(b"ada" in key for key in keys)


def test_the_real_hasher_is_slow_enough(settings):
    """The default of this Django: PBKDF2 with SHA-256 and at least the 600,000 rounds that OWASP asks for (2023)."""
    from django.conf import global_settings

    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    hasher = hashers.get_hashers_by_algorithm()["pbkdf2_sha256"]
    assert hashers.get_hasher("default") is hasher
    assert hasher.iterations >= 600_000


def test_last_login_is_noted(acme, ada, in_tenant):
    log_in(acme)
    assert User.objects.get(pk=ada.pk).last_login is not None
