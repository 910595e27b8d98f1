"""Signing keys: made once, published before they sign, verified with until their tokens have expired."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import jwt
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client

from messaging.scheduling import run_job
from tenants.registry import keys
from tenants.registry.keys import ring
from tenants.registry.models import SigningKey
from wildrydes.kernel.encryption import unseal
from wildrydes.kernel.errors import ConfigurationError


@pytest.fixture(autouse=True)
def nothing_remembered():
    keys.forget_keys()
    yield
    keys.forget_keys()


@pytest.fixture
def first(db):
    """One key that signs."""
    SigningKey.objects.all().delete()
    return keys.signing_key()


def age(**step):
    """Let time pass for all keys."""
    earlier = timedelta(**step)
    SigningKey.objects.update(
        not_before=F("not_before") - earlier, retires_at=F("retires_at") - earlier, expires_at=F("expires_at") - earlier
    )
    keys.forget_keys()


def published():
    keys.forget_keys()
    return {key["kid"] for key in keys.published_keys()}


def signs():
    keys.forget_keys()
    return keys.signing_key().kid


def test_the_first_key_is_made_on_demand(first):
    assert SigningKey.objects.get().kid == first.kid
    assert published() == {first.kid}


def test_migrating_makes_the_first_key(db):
    SigningKey.objects.all().delete()
    call_command("migrate_schemas", shared=True, verbosity=0)
    assert SigningKey.objects.count() == 1


def test_many_processes_make_one_first_key(committed):
    SigningKey.objects.all().delete()
    start = Barrier(8)

    def make():
        try:
            connection.ensure_connection()
            start.wait(timeout=20)
            keys.ensure_signing_key()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(make) for _ in range(8)]:
            future.result()
    assert SigningKey.objects.count() == 1


def test_the_private_part_is_sealed(first, settings):
    with connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM registry_signingkey k")
        stored = str(cursor.fetchall())
    private = json.loads(unseal(SigningKey.objects.get().private_sealed, keys=settings.FIELD_ENCRYPTION_KEY))
    assert private["d"] not in stored


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_key_set_shows_public_parts_only(first, host):
    answer = Client(headers={"host": host}).get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert jwt.PyJWKSet.from_dict(answer.json())[first.kid]


def test_the_key_set_can_only_be_read(first):
    client = Client(headers={"host": "localhost"})
    for method in (client.post, client.put, client.delete):
        answer = method("/.well-known/jwks.json")
        assert answer.status_code == 405
        assert answer["Content-Type"] == "application/problem+json"


def test_a_new_key_is_published_before_it_signs(first, settings):
    done = keys.rotate()
    assert published() == {first.kid, done.kid}
    assert signs() == first.kid
    age(minutes=10, seconds=1)
    assert signs() == done.kid
    assert published() == {first.kid, done.kid}
    age(seconds=settings.ACCESS_TOKEN_LIFETIME.total_seconds() + 30)
    assert keys.verifying_key(first.kid)
    age(minutes=1)
    assert published() == {done.kid}
    assert keys.verifying_key(first.kid) is None
    assert run_job("registry.delete_expired_keys")
    assert not SigningKey.objects.filter(kid=first.kid).exists()
    assert keys.delete_expired_keys() == 0


def test_the_lead_is_longer_than_all_caches():
    assert keys.JWKS_MAX_AGE.total_seconds() + keys.RING_TTL_SECONDS < 600


def test_rotating_twice_is_refused_until_the_first_is_done(first):
    done = keys.rotate()
    with pytest.raises(keys.UnableToRotate, match=done.kid):
        keys.rotate()
    assert SigningKey.objects.count() == 2


def test_a_waiting_key_can_take_over_at_once(first):
    waiting = keys.rotate()
    done = keys.rotate(at_once=True)
    assert done.kid == waiting.kid == signs()
    assert published() == {first.kid, waiting.kid}
    assert SigningKey.objects.get(kid=first.kid).expires_at > SigningKey.objects.get(kid=waiting.kid).not_before


def test_a_compromised_key_ends_at_once(first):
    keys.rotate()
    done = keys.rotate(compromised=True)
    assert done.verified_until is None
    assert published() == {done.kid} == {signs()}


def test_there_is_always_exactly_one_that_signs(first):
    """Whatever the order of rotations and however much time passes."""
    for minutes, at_once in [(0, True), (0, True), (11, False), (5, True), (30, False), (11, True)]:
        age(minutes=minutes)
        keys.rotate(at_once=at_once)
        able = SigningKey.objects.filter(not_before__lte=Now()).exclude(retires_at__lte=Now())
        assert able.count() == 1
        assert signs() == able.get().kid


def test_endless_rotation_is_refused(first):
    for _ in range(7):
        keys.rotate(at_once=True)
    with pytest.raises(keys.UnableToRotate, match="published already"):
        keys.rotate(at_once=True)
    assert len(published()) == 8
    assert keys.rotate(compromised=True)


def test_the_command_says_what_happens_when(first, capsys):
    call_command("rotate_keys")
    assert "signs from" in capsys.readouterr().out
    with pytest.raises(ConfigurationError):
        call_command("rotate_keys")
    call_command("rotate_keys", now=True)
    call_command("rotate_keys", compromised=True)
    assert "no older key is accepted" in capsys.readouterr().out


def test_rsa_keys_by_setting(first, settings):
    settings.ACCESS_TOKEN_ALGORITHM = "RS256"
    keys.rotate(at_once=True)
    keys.forget_keys()
    signing = keys.signing_key()
    assert signing.algorithm == "RS256"
    token = jwt.encode({"a": 1}, signing.key, algorithm="RS256")
    assert jwt.decode(token, keys.verifying_key(signing.kid).key, algorithms=["RS256"]) == {"a": 1}
    (public,) = [key for key in keys.published_keys() if key["kid"] == signing.kid]
    assert set(public) == {"kty", "n", "e", "kid", "use", "alg"}
    assert keys.verifying_key(first.kid).algorithm == "EdDSA"


def test_another_algorithm_is_refused(first, settings):
    settings.ACCESS_TOKEN_ALGORITHM = "HS256"
    with pytest.raises(ConfigurationError, match="EdDSA, RS256"):
        keys.rotate()


def test_a_lost_encryption_key_is_told_and_verifying_goes_on(first, settings):
    settings.FIELD_ENCRYPTION_KEY = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"
    keys.forget_keys()
    with pytest.raises(keys.SigningUnavailable):
        keys.signing_key()
    assert keys.verifying_key(first.kid)


def test_known_keys_cost_no_query_and_unknown_ones_one_a_second(first, django_assert_num_queries, monkeypatch):
    keys.verifying_key(first.kid)
    with django_assert_num_queries(0):
        for number in range(50):
            assert keys.verifying_key(first.kid)
            assert keys.verifying_key(f"nobody-{number}") is None
    real = ring.time.monotonic
    monkeypatch.setattr(ring.time, "monotonic", lambda: real() + 1.5)
    with django_assert_num_queries(1):
        assert keys.verifying_key("nobody") is None


def test_a_key_made_elsewhere_is_accepted_at_once(first, monkeypatch):
    keys.verifying_key(first.kid)
    remembered = ring._remembered._ring
    made = keys.rotate(at_once=True)  # as if in another process: this one's memory stays
    assert ring._remembered._ring is remembered
    real = ring.time.monotonic
    monkeypatch.setattr(ring.time, "monotonic", lambda: real() + 1.5)
    assert keys.verifying_key(made.kid)
