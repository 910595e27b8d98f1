"""Names of tenants: hostile input that ends up in host names and schema names.

A slug is a DNS label (RFC 1123) in lower case; the schema name is derived from it and never typed by anyone. Both are
checked against our own pattern and reserved list: django-tenants allows `public`, `information_schema` and `pg_*`.
"""

import re

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


def check_slug(slug: str) -> str:
    """Answer `slug` in lower case when it may name a tenant.

    Raises:
        InvalidInput: with what is wrong and an example of a good one.
    """
    candidate = slug.strip().lower()
    if not candidate.isascii() or not SLUG_PATTERN.match(candidate):
        raise InvalidInput.at(
            "/slug",
            "A short name has 3 to 40 letters a-z, digits and single hyphens, "
            "starts with a letter and does not end with a hyphen, "
            "for example acme-travel.",
        )
    if candidate in RESERVED or candidate.startswith(("pg-", "xn--")):
        raise InvalidInput.at("/slug", f"{candidate} is reserved; choose another short name.")
    return candidate


def schema_name_for(slug: str) -> str:
    """The schema of the tenant with this (checked) slug: prefixed, so that it can never be a system schema."""
    return "t_" + slug.replace("-", "_")


def check_domain(domain: str) -> str:
    """Answer `domain` in lower case without a trailing dot when it is a host name that may be a tenant's address.

    Raises:
        InvalidInput: with what is wrong.
    """
    candidate = domain.strip().lower().rstrip(".")
    if not candidate.isascii() or not DOMAIN_PATTERN.match(candidate):
        raise InvalidInput.at(
            "/domain", "A domain is a full host name in ASCII (Punycode for others), for example rides.acme.com."
        )
    return candidate
