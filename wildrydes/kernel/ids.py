"""Identifiers."""

import uuid

import uuid6


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): its first 48 bits are milliseconds since 1970, so ids sort by age and index well."""
    return uuid6.uuid7()
