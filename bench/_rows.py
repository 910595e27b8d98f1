"""The rows of one accepted booking, recorded from the product itself and written again with fresh ids."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from psycopg.types.json import Json, Jsonb

from wildrydes.kernel.ids import new_id

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_WRITES = ("INSERT", "UPDATE")


@dataclass(frozen=True)
class Statement:
    """One statement with parameters that survive pickling."""

    sql: str
    params: tuple[Any, ...]


@contextmanager
def recording() -> Iterator[list[Statement]]:
    """Collect what is written through Django's connection meanwhile."""
    found: list[Statement] = []

    def record(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(_WRITES):
            found.append(Statement(sql.strip(), tuple(_plain(value) for value in params)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        yield found


def _plain(value: Any) -> Any:
    if isinstance(value, Json | Jsonb):
        return (value.dumps or json.dumps)(value.obj)
    if isinstance(value, str):
        return str(value)  # a choice becomes the text it stands for
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


class Copies:
    """Makes the statements anew: every id that was made for the recorded booking is replaced, everywhere alike."""

    def __init__(self, statements: list[Statement], *, keep: frozenset[str]) -> None:
        """`keep` are ids that stay: the tenant's and the user's."""
        self._statements = statements
        self._keep = keep

    def fresh(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The statements of one more booking, in their order."""
        ids: dict[str, str] = {}
        for statement in self._statements:
            yield statement.sql, tuple(self._renewed(value, ids) for value in statement.params)

    def _renewed(self, value: Any, ids: dict[str, str]) -> Any:
        if isinstance(value, uuid.UUID):
            return uuid.UUID(self._id(str(value), ids))
        if isinstance(value, str):
            return _UUID.sub(lambda match: self._id(match[0], ids), value)
        if isinstance(value, list):
            return [self._renewed(item, ids) for item in value]
        return value

    def _id(self, old: str, ids: dict[str, str]) -> str:
        return old if old in self._keep else ids.setdefault(old, str(new_id()))
