"""Statements that every message pays for, prepared: PostgreSQL parses and plans them once and not at each execution.

Django binds parameters in the client, so that each execution is a new text to the server. What is run here again and again on
one connection is prepared there, per schema, because a plan that was made under another search path is made anew. A prepared
statement lives for some seconds only: its plan does not know the values, and one that was made for a table that was nearly
empty (read it through) would hurt when the table fills. See docs/decisions/hot-statements-are-prepared.md.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Self
from weakref import WeakKeyDictionary
from zlib import crc32

import psycopg
from django.db import Error, NotSupportedError, connection
from django.db.backends.utils import CursorWrapper

from tenants.registry.context import entered_schema

Values = Mapping[str, Any] | Sequence[Any]

LIFE_SECONDS = 20.0
# Preparing costs a round trip more: what is seen less often in a life is not worth it.
WORTH_IT = 3
# A connection that serves many tenants prepares so many in a life; PostgreSQL holds some tens of kilobytes for each.
KEPT = 40


class _Life:
    """What one connection has seen since its statements were prepared last."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ends = time.monotonic() + LIFE_SECONDS
        self.seen: dict[tuple[str, str], int] = {}
        self.prepared: set[tuple[str, str]] = set()

    def wants(self, schema: str, statement: str) -> bool:
        """Whether this execution is to be a prepared one."""
        key = schema, statement
        if key in self.prepared:
            return True
        seen = self.seen[key] = self.seen.get(key, 0) + 1
        if seen < WORTH_IT or len(self.prepared) >= KEPT:
            return False
        self.prepared.add(key)
        return True


_lives: WeakKeyDictionary[Any, _Life] = WeakKeyDictionary()


class _PreparingCursor(psycopg.Cursor[Any]):
    """Prepares what it executes, or finds it prepared. `remark` tells schemas and lives apart."""

    remark = ""

    def execute(self, query: Any, params: Values | None = None, **options: Any) -> Self:
        """Execute it prepared."""
        session = self.connection
        # psycopg would count every statement of the connection otherwise, and each text of Django's is another one.
        session.prepare_threshold = 0
        try:
            return super().execute(query + self.remark, params, prepare=True, **options)
        finally:
            session.prepare_threshold = None

    def _send_query_prepared(self, name: bytes, pgq: Any, **options: Any) -> None:
        # psycopg notes here no more than the name of what it executes; Django's log of statements asks for the text.
        self._query = pgq
        super()._send_query_prepared(name, pgq, **options)


def execute(cursor: CursorWrapper, statement: str, values: Values) -> None:
    """Execute on Django's cursor, prepared when that is worth it. Values have to be of the same types each time.

    Raises:
        Error: as any statement.
    """
    session = connection.connection
    schema = entered_schema()
    life = _life_of(session)
    if life.wants(schema, statement):
        preparing = _PreparingCursor(session)
        preparing.remark = f" -- {crc32(schema.encode()):x}.{life.number}"
        cursor.cursor = preparing
    cursor.execute(statement, values)


def _life_of(session: Any) -> _Life:
    life = _lives.get(session)
    if life is None:
        session.prepared_max = KEPT
        life = _lives[session] = _Life(0)
    elif time.monotonic() > life.ends:
        life = _lives[session] = _Life(life.number + 1)
    return life


def is_outdated(error: Error) -> bool:
    """Whether the statement failed because a table has changed its columns since it was prepared; see `forget`."""
    return (
        isinstance(error, NotSupportedError)
        and isinstance(error.__cause__, psycopg.errors.FeatureNotSupported)
        and "cached plan" in str(error)
    )


def forget() -> None:
    """Prepare anew on this thread's connection."""
    life = _lives.get(connection.connection)
    if life is not None:
        life.ends = 0.0
