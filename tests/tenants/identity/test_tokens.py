"""Access tokens: what is in them, and what is refused."""

import base64
import json
import random
import string
import time
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey
from rest_framework_simplejwt.exceptions import TokenError

from tenants.identity.tokens import AccessToken, read_confidential
from tenants.registry.keys import forget_keys, published_keys, rotate, signing_key, verifying_key

ME = "/api/v1/me"


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def b64(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def resigned(claims, **header):
    """Signed by our own key: only the contents are wrong."""
    key = signing_key()
    return jwt.encode(claims, key.key, algorithm=key.algorithm, headers={"kid": key.kid, "typ": "at+jwt", **header})


@pytest.fixture
def token(ada, tenant):
    return str(AccessToken.of(ada, tenant))


def test_says_who_asks_for_which_tenant_and_how_much(ada, tenant, token, settings):
    claims = claims_of(token)
    now = time.time()
    assert claims["iss"] == settings.ACCESS_TOKEN_ISSUER
    assert claims["aud"] == "api"
    assert claims["sub"] == str(ada.id)
    assert claims["tid"] == str(tenant.id)
    assert claims["tenant"] == {"name": "Acme", "slug": "acme"}
    assert claims["tier"] == "basic"
    assert claims["quota"] == {
        "requests_per_minute": tenant.tier.requests_per_minute,
        "burst": tenant.tier.requests_per_minute,
    }
    assert claims["roles"] == ["rider"]
    assert claims["name"] == "Ada"
    assert UUID(claims["jti"])
    assert claims["nbf"] == claims["iat"] <= now < claims["exp"] <= claims["iat"] + 600
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "EdDSA", "kid": signing_key().kid, "typ": "at+jwt"}


def test_confidential_claims_are_for_us_alone(token, ada):
    everything_readable = b"".join(base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    assert b"ada@" not in everything_readable
    jwe = claims_of(token)["confidential"]
    assert len(jwe.split(".")) == 5
    assert read_confidential(AccessToken(token).claims).email == ada.email


def test_any_library_verifies_it_with_the_published_keys(token, acme):
    keys = jwt.PyJWKSet.from_dict(acme.get("/.well-known/jwks.json").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, audience="api")["tenant"]["slug"] == "acme"
    again = OKPKey.import_key(published_keys()[0])
    assert jws.deserialize_compact(token, again, algorithms=["EdDSA"])


def test_verifying_asks_the_database_nothing(token, django_assert_num_queries):
    verifying_key(signing_key().kid)
    with django_assert_num_queries(0):
        assert AccessToken(token).claims.tier == "basic"


def test_a_request_is_authenticated_without_a_query(acme, bearer, ada, django_assert_num_queries):
    acme.get("/api/v1/nothing-here")  # the directory of tenants is warm
    header = bearer(ada)
    with django_assert_num_queries(0):
        assert acme.get("/api/v1/users", **header).status_code == 403  # a rider: known, but not an administrator


def test_another_tenants_host_refuses_it(globex, bearer, ada):
    answer = globex.get(ME, **bearer(ada))
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert "Acme" not in answer.content.decode()


def test_without_a_token_there_is_a_challenge(acme):
    for header in ({}, {"authorization": ""}, {"authorization": "Basic YTpi"}, {"authorization": "Bearerx y"}):
        answer = acme.get(ME, **header)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "other"},
        {"aud": ["api", "other"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": int(time.time()) - 60},
        {"exp": "never"},
        {"exp": None},
        {"exp": 10**400},
        {"exp": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 86_400},
        {"nbf": None},
        {"iat": int(time.time()) + 86_400},
        {"iat": True},
        {"sub": "not-a-uuid"},
        {"sub": 7},
        {"sub": None},
        {"tid": None},
        {"tid": ["x"]},
        {"token_type": "refresh"},
        {"token_type": None},
        {"roles": []},
        {"roles": ["root"]},
        {"roles": "administrator"},
        {"quota": {"requests_per_minute": "many", "burst": 1}},
        {"quota": None},
        {"features": ["loyalty"]},
        {"tenant": "acme"},
        {"name": 5},
        {"jti": None},
        {"confidential": "a.b.c.d.e"},
        {"confidential": None},
    ],
    ids=lambda change: next(iter(change)),  # the same in every process, which values with the time are not
)
def test_a_signature_is_not_enough(change, token, acme):
    claims = {name: value for name, value in {**claims_of(token), **change}.items() if value is not None}
    assert acme.get(ME, authorization=f"Bearer {resigned(claims)}").status_code == 401


def test_the_clock_may_be_a_little_off_and_no_more(token):
    now = int(time.time())
    assert AccessToken(resigned({**claims_of(token), "exp": now - 2})).claims
    with pytest.raises(TokenError):
        AccessToken(resigned({**claims_of(token), "exp": now - 7}))


def _none(claims, key):
    return f"{b64({'alg': 'none', 'typ': 'at+jwt', 'kid': key.kid})}.{b64(claims)}."


def _hs256_with_public_key(claims, key):
    public = json.dumps(published_keys()[0]).encode()
    header = {"alg": "HS256", "typ": "at+jwt", "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims), OctKey.import_key(public), algorithms=["HS256"])


def _hs256_with_raw_public_key(claims, key):
    raw = base64.urlsafe_b64decode(published_keys()[0]["x"] + "=")
    header = {"alg": "HS256", "typ": "at+jwt", "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims), OctKey.import_key(raw), algorithms=["HS256"])


def _own_key_in_header(claims, key):
    mine = OKPKey.generate_key("Ed25519")
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": key.kid, "jwk": mine.as_dict(private=False)}
    return jws.serialize_compact(header, json.dumps(claims), mine, algorithms=["EdDSA"])


def _unknown_kid(claims, key):
    mine = Ed25519PrivateKey.generate()
    return jwt.encode(claims, mine, algorithm="EdDSA", headers={"kid": "nobody-knows", "typ": "at+jwt"})


def _known_kid_other_key(claims, key):
    return jwt.encode(
        claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": key.kid, "typ": "at+jwt"}
    )


def _no_kid(claims, key):
    return jwt.encode(claims, key.key, algorithm="EdDSA", headers={"typ": "at+jwt"})


def _kid_of_another_type(claims, key):
    return f"{b64({'alg': 'EdDSA', 'typ': 'at+jwt', 'kid': [key.kid]})}.{b64(claims)}.{b64(b'x' * 64)}"


def _another_kind_of_jwt(claims, key):
    return resigned(claims, typ="JWT")


def _critical_extension(claims, key):
    return resigned(claims, crit=["exp"])


def _changed_claims(claims, key):
    head, _, tail = resigned(claims).split(".")
    return f"{head}.{b64({**claims, 'roles': ['administrator']})}.{tail}"


@pytest.mark.parametrize(
    "forge",
    [
        _none,
        _hs256_with_public_key,
        _hs256_with_raw_public_key,
        _own_key_in_header,
        _unknown_kid,
        _known_kid_other_key,
        _no_kid,
        _kid_of_another_type,
        _another_kind_of_jwt,
        _critical_extension,
        _changed_claims,
    ],
)
def test_forgeries_are_refused(forge, token, acme):
    forged = forge(claims_of(token), signing_key())
    answer = acme.get(ME, authorization=f"Bearer {forged}")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith('Bearer realm="api", error="invalid_token", error_description="')


def _garbage():
    dice = random.Random(1)
    deep = base64.urlsafe_b64encode(b"[" * 5_000).decode()
    yield from (
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "=.=.=",
        "e30.e30.e30",
        "bnVsbA.bnVsbA.bnVsbA",
        "\x7f.\x01.~",
        "é.ü.ñ",
        "a b c",
    )
    yield from (
        "x" * 100_000,
        "a." * 4_000,
        f"{deep}.e30.e30",
        f"{b64(b'9' * 5_500)}.e30.e30",
        "a." + "b" * 20_000 + ".c",
    )
    yield from (
        f"{b64(header)}.e30.e30"
        for header in ({}, [], None, 1, "x", {"kid": None}, {"kid": "a" * 5_000}, {"kid": "\ud800"})
    )
    yield f"{b64({'kid': signing_key().kid, 'alg': 'EdDSA', 'typ': 'at+jwt', 'b64': False, 'crit': ['b64']})}.e30.e30"
    yield from ("".join(dice.choices(string.printable.strip(), k=200)) for _ in range(30))


def test_garbage_of_any_size_and_encoding_is_refused(acme):
    for text in _garbage():
        answer = acme.get(ME, authorization=f"Bearer {text}")
        assert answer.status_code == 401, text[:80]
        assert answer["WWW-Authenticate"].startswith("Bearer ")


@given(st.text(max_size=300))
@hypothesis_settings(max_examples=150, deadline=None)
def test_no_text_is_a_token(text):
    with pytest.raises(TokenError):
        AccessToken(text)


@pytest.fixture
def rolled_back_keys():
    """The process must not remember keys that go with the test's transaction."""
    yield
    forget_keys()


def test_a_retired_key_verifies_until_its_tokens_have_expired(token, acme, ada, bearer, rolled_back_keys):
    first = signing_key().kid
    rotate(at_once=True)
    forget_keys()
    assert jwt.get_unverified_header(bearer(ada)["authorization"].split()[1])["kid"] != first
    assert acme.get(ME, authorization=f"Bearer {token}").status_code == 200
    rotate(compromised=True)
    forget_keys()
    assert acme.get(ME, authorization=f"Bearer {token}").status_code == 401
    assert acme.get(ME, **bearer(ada)).status_code == 200


def test_only_our_own_algorithms_ever_verify(token):
    """A key's algorithm is pinned: the header has no say, whatever it says."""
    head, body, tail = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    for algorithm in ("none", "HS256", "HS512", "RS256", "PS256", "ES256", "Ed448", "", None, 1):
        with pytest.raises(TokenError):
            AccessToken(f"{b64({**header, 'alg': algorithm})}.{body}.{tail}")


def test_of_a_user_and_a_session(ada, tenant):
    session = uuid4()
    assert AccessToken(str(AccessToken.of(ada, tenant, session=session))).claims.sid == session
