"""Names of tenants: hostile input that ends up in host names and schema names.

A slug is a DNS label (RFC 1123) in lower case; the schema name is derived from it and never typed by anyone. Both are
checked against our own pattern and reserved list: django-tenants allows `public`, `information_schema` and `pg_*`.
"""

import re
import unicodedata

from wildrydes.kernel.errors import InvalidInput

SLUG_PATTERN = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){1,38}[a-z0-9]\Z")
DOMAIN_PATTERN = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\Z"
)
# Words that are ours, PostgreSQL's, or would let a tenant pass for us.
_RESERVED_WORDS = (
    "admin api app auth billing blog console dashboard docs fleet ftp help imap information-schema internal localhost login mail "
    "metrics ops pg postgres postgresql private public root smtp staff static status support system template template0 template1 "
    "test tenant tenants unicorn unicorns wildrydes www"
)
RESERVED = frozenset(_RESERVED_WORDS.split())
FEATURE_PATTERN = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")
SCHEMA_PATTERN = re.compile(r"t_[a-z][a-z0-9_]{1,38}[a-z0-9]\Z")
# Names that never leave a machine or a network (RFC 6761, RFC 6762, RFC 7686, RFC 9476): nobody can own them.
_UNOWNED_SUFFIXES = (
    "localhost",
    "local",
    "internal",
    "invalid",
    "onion",
    "alt",
    "home.arpa",
    "in-addr.arpa",
    "ip6.arpa",
)
# Scripts with letters that look alike; a name that mixes them is a disguise (Unicode TR 39, "restriction level").
_LOOK_ALIKE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
_LONGEST_NAME = 100


def check_slug(slug: str) -> str:
    """Answer `slug` in lower case when it may name a tenant.

    Raises:
        InvalidInput: with what is wrong and an example of a good one.
    """
    candidate = slug.strip().lower()
    # Asked of what was typed: the Kelvin sign and its kind turn into ASCII letters in lower case.
    if not slug.isascii() or not SLUG_PATTERN.match(candidate):
        raise InvalidInput.at(
            "/slug",
            "A short name has 3 to 40 letters a-z, digits and single hyphens, "
            "starts with a letter and does not end with a hyphen, "
            "for example acme-travel.",
        )
    if candidate in RESERVED or candidate.startswith(("pg-", "xn--")):
        raise InvalidInput.at("/slug", f"{candidate} is reserved; choose another short name.")
    return candidate


def check_company_name(name: str) -> str:
    """Answer `name` in one spelling (NFKC, single spaces) when it may be a company's name.

    Raises:
        InvalidInput: it is too short or long, holds invisible or control characters, or mixes look-alike scripts.
    """
    if any(unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") for character in name.strip()):
        raise InvalidInput.at("/name", "The company's name holds invisible or control characters; type it by hand.")
    candidate = " ".join(unicodedata.normalize("NFKC", name).split())
    if not 2 <= len(candidate) <= _LONGEST_NAME or not any(character.isalnum() for character in candidate):
        raise InvalidInput.at(
            "/name", f"A company's name has 2 to {_LONGEST_NAME} characters, a letter or digit among them."
        )
    scripts = {unicodedata.name(character, "?").split()[0] for character in candidate if character.isalpha()}
    if len(scripts & _LOOK_ALIKE_SCRIPTS) > 1:
        raise InvalidInput.at(
            "/name",
            "The company's name mixes scripts whose letters look alike (Latin, Cyrillic, Greek …); type it in one script.",
        )
    return candidate


def schema_name_for(slug: str) -> str:
    """The schema of the tenant with this (checked) slug: prefixed, so that it can never be a system schema."""
    return "t_" + slug.replace("-", "_")


def check_domain(domain: str) -> str:
    """Answer `domain` in lower case without a trailing dot when it is a host name that may be a tenant's address.

    Raises:
        InvalidInput: with what is wrong.
    """
    candidate = domain.strip().lower().removesuffix(".")
    if not domain.isascii() or not DOMAIN_PATTERN.match(candidate):
        raise InvalidInput.at(
            "/domain", "A domain is a full host name in ASCII (Punycode for others), for example rides.acme.com."
        )
    return candidate


def default_domain(slug: str, public_domain: str) -> str:
    """The address every tenant has: its slug under the public domain."""
    return f"{slug}.{public_domain}"


def check_own_domain(domain: str, *, slug: str, public_domain: str) -> str:
    """Answer `domain` as `check_domain` does when the tenant with this slug may take it beside its default address.

    Raises:
        InvalidInput: it is the public domain, lies above it, is another tenant's place below it, or nobody can own it.
    """
    candidate = check_domain(domain)
    if candidate == default_domain(slug, public_domain):
        return candidate
    if candidate == public_domain or candidate.endswith("." + public_domain):
        raise InvalidInput.at("/domain", f"{candidate} belongs to Wild Rydes; a company may bring a domain of its own.")
    if public_domain.endswith("." + candidate):
        raise InvalidInput.at(
            "/domain", f"{candidate} lies above our own domain {public_domain}; choose a domain you own."
        )
    if any(candidate == suffix or candidate.endswith("." + suffix) for suffix in _UNOWNED_SUFFIXES):
        raise InvalidInput.at("/domain", f"{candidate} is not a name on the internet; choose a domain you own.")
    return candidate


def check_features(features: object) -> dict[str, bool]:
    """Answer feature flags when they are names with yes or no.

    Raises:
        InvalidInput: it is no JSON object, or a name or a value is not as it should be.
    """
    if not isinstance(features, dict):
        raise InvalidInput.at("/features", 'Feature flags are a JSON object, for example {"loyalty": true}.')
    for name, value in features.items():
        if not isinstance(name, str) or not FEATURE_PATTERN.match(name):
            raise InvalidInput.at(
                "/features", f"{name!r} is no name of a feature: 2 to 40 of a-z, 0-9 and _, beginning with a letter."
            )
        if not isinstance(value, bool):
            raise InvalidInput.at("/features", f"The feature {name} is true or false, nothing else.")
    return dict(features)
