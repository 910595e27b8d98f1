"""Reading and writing the journal's rows as text, by the schema's full name.

Unqualified names would find the tables of `public` when a tenant's schema is older than the code, and mix two chains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from messaging.journal.encoding import Bound, Header, Leaf, message_digest

_PAGE = 250
_RANGE = "(position, id) > (%(after)s, %(after_id)s::uuid) AND (position, id) <= (%(upto)s, %(upto_id)s::uuid)"
_MESSAGES = f"""
    SELECT m.position, m.id, m.id::text, kind, topic, version::text, payload::text, correlation_id::text,
           causation_id::text, extract(epoch FROM occurred_at)::text
      FROM {{message}} m WHERE {_RANGE} ORDER BY m.position, m.id LIMIT %(limit)s
"""  # noqa: S608  # our own words
_SPAN = f"""
    SELECT extract(epoch FROM min(occurred_at))::text, extract(epoch FROM max(occurred_at))::text,
           min(occurred_at)::text, max(occurred_at)::text
      FROM {{message}} WHERE {_RANGE}
"""  # noqa: S608
_END = """
    SELECT count(*), coalesce(min(occurred_at) < clock_timestamp() - %(age)s, false)
      FROM {message} WHERE (position, id) > (%(after)s, %(after_id)s::uuid)
"""
_SEGMENTS = """
    SELECT number, encoding, previous_hash, after_position, after_id, upto_position, upto_id, count,
           extract(epoch FROM first_at)::text, extract(epoch FROM last_at)::text, extract(epoch FROM sealed_at)::text,
           content_hash, hash, leaves, purged_at IS NOT NULL
      FROM {segment}
"""
_INSERT = """
    INSERT INTO {segment}
           (number, encoding, previous_hash, after_position, after_id, upto_position, upto_id, count,
            first_at, last_at, sealed_at, content_hash, hash, leaves)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::timestamptz, %s::timestamptz, %s::timestamptz, %s, %s, %s)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSegment:
    """A segment as its row says. `leaves` is None once it is purged."""

    header: Header
    hash: bytes
    leaves: bytes | None
    purged: bool

    @property
    def number(self) -> int:
        """Its place in the chain, from 1."""
        return self.header.number


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The earliest and latest `occurred_at` of some messages: as they are hashed, and as they are stored."""

    first: str
    last: str
    first_stored: str
    last_stored: str


def rows(statement: str, schema: str, values: Any = None) -> list[tuple[Any, ...]]:
    """What the statement answers, its `{message}`, `{segment}` … replaced by the schema's tables."""
    with connection.cursor() as cursor:
        cursor.execute(_in_schema(statement, schema), values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def change(statement: str, schema: str, values: Any = None) -> int:
    """Execute the statement; answers how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(_in_schema(statement, schema), values)
        return int(cursor.rowcount)


def _in_schema(statement: str, schema: str) -> sql.Composed:
    return sql.SQL(statement).format(
        message=sql.Identifier(schema, "journal_message"),
        segment=sql.Identifier(schema, "journal_segment"),
        trace=sql.Identifier(schema, "journal_trace"),
        error=sql.Identifier(schema, "journal_handlererror"),
        call=sql.Identifier(schema, "journal_outboundcall"),
        positions=sql.Identifier(schema, "journal_message_position_seq"),
    )


def leaves_between(schema: str, after: Bound, upto: Bound, *, limit: int) -> list[Leaf]:
    """The messages above `after` up to `upto` in their order, digested; at most `limit`.

    They are read a page at a time, so that large payloads are not in memory all at once.
    """
    leaves: list[Leaf] = []
    while len(leaves) < limit:
        page = min(_PAGE, limit - len(leaves))
        found = rows(_MESSAGES, schema, {**_between(after, upto), "limit": page})
        leaves += [Leaf(message_id, position, message_digest(fields)) for position, message_id, *fields in found]
        if len(found) < page:
            break
        after = Bound(leaves[-1].position, leaves[-1].id)
    return leaves


def span_between(schema: str, after: Bound, upto: Bound) -> Span:
    """The times between which these messages occurred; there must be one at least."""
    first, last, first_stored, last_stored = rows(_SPAN, schema, _between(after, upto))[0]
    return Span(first=first, last=last, first_stored=first_stored, last_stored=last_stored)


def end_after(schema: str, after: Bound, *, age: timedelta) -> tuple[int, bool]:
    """How many messages no segment covers yet, and whether one of them is older than `age`."""
    count, is_old = rows(_END, schema, {"after": after.position, "after_id": after.id, "age": age})[0]
    return int(count), bool(is_old)


def positions_of(schema: str, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Where these messages are now, as far as they are anywhere."""
    return dict(rows("SELECT id, position FROM {message} WHERE id = ANY(%s)", schema, [list(ids)]))


def schema_has_journal(schema: str) -> bool:
    """Whether there is such a schema, with a table of segments in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_class k JOIN pg_namespace n ON n.oid = k.relnamespace"
            " WHERE n.nspname = %s AND k.relname = 'journal_segment')",
            [schema],
        )
        return bool(cursor.fetchone()[0])


def last_segment(schema: str) -> StoredSegment | None:
    """The segment with the highest number."""
    found = rows(_SEGMENTS + " ORDER BY number DESC LIMIT 1", schema)
    return _segment(found[0]) if found else None


def segment_numbered(schema: str, number: int) -> StoredSegment | None:
    """One segment."""
    found = rows(_SEGMENTS + " WHERE number = %s", schema, [number])
    return _segment(found[0]) if found else None


def segments_after(schema: str, number: int, *, limit: int) -> list[StoredSegment]:
    """The next segments in order of their numbers."""
    found = rows(_SEGMENTS + " WHERE number > %s ORDER BY number LIMIT %s", schema, [number, limit])
    return [_segment(row) for row in found]


def insert_segment(
    schema: str, header: Header, span: Span, *, sealed_stored: str, hashed: bytes, leaves: bytes
) -> None:
    """Write a segment; its number must be free."""
    change(
        _INSERT,
        schema,
        [
            header.number,
            header.encoding,
            header.previous_hash,
            *(header.after.position, header.after.id, header.upto.position, header.upto.id),
            header.count,
            *(span.first_stored, span.last_stored, sealed_stored),
            header.content_hash,
            hashed,
            leaves,
        ],
    )


def _between(after: Bound, upto: Bound) -> dict[str, Any]:
    return {"after": after.position, "after_id": after.id, "upto": upto.position, "upto_id": upto.id}


def _segment(row: tuple[Any, ...]) -> StoredSegment:
    (
        number,
        encoding,
        previous,
        after,
        after_id,
        upto,
        upto_id,
        count,
        first,
        last,
        sealed,
        content,
        hashed,
        leaves,
        purged,
    ) = row
    header = Header(
        encoding=encoding,
        number=number,
        previous_hash=bytes(previous),
        after=Bound(after, after_id),
        upto=Bound(upto, upto_id),
        count=count,
        first_at=first,
        last_at=last,
        sealed_at=sealed,
        content_hash=bytes(content),
    )
    return StoredSegment(
        header=header, hash=bytes(hashed), leaves=None if leaves is None else bytes(leaves), purged=bool(purged)
    )
