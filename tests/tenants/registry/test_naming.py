# ruff: noqa: RUF001  # letters that look like others are the point
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.registry.naming import (
    RESERVED,
    SCHEMA_PATTERN,
    check_company_name,
    check_domain,
    check_features,
    check_own_domain,
    check_slug,
    schema_name_for,
)
from wildrydes.kernel.errors import InvalidInput

HOSTILE_SLUGS = [
    "", " ", "a", "ab", "a" * 41, "a" * 64, "1acme", "-acme", "acme-", "ac--me", "ac_me", "a.b.c", "acme.",
    "acme\x00", "ac\x00me",
    "acme\nx", "public", "PUBLIC", " public ", "pg-catalog", "pg_temp", "information-schema", "information_schema", "t_acme",
    'acme"; DROP SCHEMA public CASCADE; --', "acme'--", "acme\\", "acme/../x", "acme;", "аcme", "acme\u200b", "acmé", "ａcme",
    "\u212aelvin", "xn--acme", "acme😀", "%00", "${x}", "{{7*7}}", "admin", "www", "localhost", "template1", "acme\u0000\u0000",
]  # fmt: skip


@pytest.mark.parametrize("slug", HOSTILE_SLUGS)
def test_a_hostile_short_name_is_refused_with_a_reason(slug):
    with pytest.raises(InvalidInput) as refused:
        check_slug(slug)
    assert refused.value.errors[0]["pointer"] == "/slug"
    assert len(refused.value.detail) > 20


@pytest.mark.parametrize(
    ("typed", "slug"), [("acme", "acme"), (" ACME ", "acme"), ("acme-travel", "acme-travel"), ("a1b", "a1b")]
)
def test_a_good_short_name_is_kept_in_lower_case(typed, slug):
    assert check_slug(typed) == slug


@settings(max_examples=50)
@given(st.text(max_size=70))
def test_any_text_is_either_refused_or_names_a_safe_schema(text):
    try:
        slug = check_slug(text)
    except InvalidInput:
        return
    schema = schema_name_for(slug)
    assert SCHEMA_PATTERN.match(schema)
    assert len(schema.encode()) <= 63
    assert slug not in RESERVED


_SLUGS = st.from_regex(r"\A[a-z](?:[a-z0-9]|-(?=[a-z0-9])){1,38}[a-z0-9]\Z")


@settings(max_examples=50)
@given(_SLUGS, _SLUGS)
def test_two_short_names_never_share_a_schema(one, other):
    # A slug holds no underscore, so turning hyphens into underscores can be undone.
    assert (schema_name_for(one) == schema_name_for(other)) == (one == other)
    assert schema_name_for(one).removeprefix("t_").replace("_", "-") == one


@pytest.mark.parametrize("slug", ["a_b", "ac_me", "_template_x"])
def test_an_underscore_cannot_collide_with_a_hyphen(slug):
    with pytest.raises(InvalidInput):
        check_slug(slug)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        " ",
        "A" * 101,
        "Acme\x00",
        "Acme\u200bTravel",
        "Acme\u202eTravel",
        "Ac\nme",
        "--",
        "\ud800x",
        "\u0410cme",
        "Acme \u0391e",
    ],
)
def test_a_hostile_company_name_is_refused(name):
    with pytest.raises(InvalidInput) as refused:
        check_company_name(name)
    assert refused.value.errors[0]["pointer"] == "/name"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Acme   Travel ", "Acme Travel"),
        ("Ａｃｍｅ", "Acme"),
        ("Москва", "Москва"),
        ("株式会社ユニコーン", "株式会社ユニコーン"),
        ("O'Neil & Söhne; DROP TABLE", "O'Neil & Söhne; DROP TABLE"),
    ],
)
def test_a_company_name_is_kept_in_one_spelling(typed, kept):
    assert check_company_name(typed) == kept


@pytest.mark.parametrize(
    "domain",
    ["", "acme", "a..com", ".acme.com", "-a.com", "a-.com", "acme.com..", "acme_x.com", "192.168.0.1", "[::1]",
    "acme.com/x", "acme.com:80",
     "acme.com\x00", "аcme.com", "\u212aelvin.com", "a" * 64 + ".com", "a." * 127 + "com", "acme .com",
     "*.acme.com", "acme.c", "'.com"],
)  # fmt: skip
def test_a_hostile_domain_is_refused(domain):
    with pytest.raises(InvalidInput):
        check_domain(domain)


@pytest.mark.parametrize(
    "domain",
    ["rides.example.com", "RIDES.example.com.", "globex.rides.example.com", "a.acme.rides.example.com",
    "example.com", "acme.localhost",
     "acme.local", "acme.onion", "1.0.0.127.in-addr.arpa"],
)  # fmt: skip
def test_ours_others_and_nobodys_domains_are_refused(domain):
    with pytest.raises(InvalidInput) as refused:
        check_own_domain(domain, slug="acme", public_domain="rides.example.com")
    assert refused.value.errors[0]["pointer"] == "/domain"


@pytest.mark.parametrize(
    ("domain", "kept"),
    [
        ("Rides.Acme.COM.", "rides.acme.com"),
        ("acme.rides.example.com", "acme.rides.example.com"),
        ("notrides.example.com", None),
    ],
)
def test_a_domain_of_its_own_is_kept_in_lower_case(domain, kept):
    assert check_own_domain(domain, slug="acme", public_domain="rides.example.com") == (kept or domain)


@pytest.mark.parametrize(
    "features",
    [[], "x", None, {"Loyalty": True}, {"a b": True}, {"loyalty": 1}, {"loyalty": "yes"}, {"x": True}, {1: True}],
)
def test_flags_are_names_with_yes_or_no(features):
    with pytest.raises(InvalidInput):
        check_features(features)
    assert check_features({"loyalty": True, "dark_mode": False}) == {"loyalty": True, "dark_mode": False}
