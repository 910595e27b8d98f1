"""What a schema is made of, so that a copy can be held against its original."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from django.db import connection


class Part(TypedDict):
    """How many things of a kind a schema has, and a digest of their definitions."""

    count: int
    digest: str


# Definitions are read with the schema first in the search path, where PostgreSQL writes names of its own without a prefix;
# index and trigger definitions carry the prefix always, so it is taken out of all of them.
_PARTS = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               pg_get_expr(d.adbin, d.adrelid)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = %s::regnamespace""",
    "indexes": """
        SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_class c
         WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'i'""",
    "sequences": """
        SELECT c.relname, s.seqstart, s.seqincrement FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid
         WHERE c.relnamespace = %s::regnamespace""",
    "triggers": """
        SELECT t.tgrelid::regclass::text, t.tgname, pg_get_triggerdef(t.oid)
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal""",
    "functions": """
        SELECT p.proname, pg_get_function_identity_arguments(p.oid), p.prosrc FROM pg_proc p
         WHERE p.pronamespace = %s::regnamespace AND p.prokind IN ('f', 'p')""",
}


# A dump writes `x = ANY (ARRAY['a'::varchar]::text[])` back as `x = ANY (ARRAY[('a'::varchar)::text])`: the same condition.
_CASTS_AND_PARENTHESES = re.compile(r"::(?:character varying|text)(?:\[\])?|[()]")


def shape_of(schema_name: str) -> dict[str, Part]:
    """What the schema has of each kind, migrations among them. Equal shapes mean equal schemas, whatever their names."""
    parts: dict[str, Part] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', quote_ident(%s), false)", (schema_name,))
        try:
            for kind, query in _PARTS.items():
                cursor.execute(query, (schema_name,))
                parts[kind] = _part(schema_name, cursor.fetchall())
            cursor.execute("SELECT DISTINCT app, name FROM django_migrations")
            parts["migrations"] = _part(schema_name, cursor.fetchall())
        finally:
            connection.search_path_set_schemas = None  # type: ignore[attr-defined]  # django-tenants sets it anew
    return parts


def _part(schema_name: str, rows: Iterable[Sequence[Any]]) -> Part:
    texts = sorted(_CASTS_AND_PARENTHESES.sub("", json.dumps(row).replace(schema_name + ".", "")) for row in rows)
    return Part(count=len(texts), digest=hashlib.sha256("\n".join(texts).encode()).hexdigest())


def difference(expected: dict[str, Part], found: dict[str, Part]) -> str:
    """What differs between two shapes, for a person; empty when nothing does."""
    differs = []
    for kind, part in expected.items():
        other = found.get(kind, Part(count=0, digest=""))
        if other["count"] != part["count"]:
            differs.append(f"{other['count']} {kind} instead of {part['count']}")
        elif other["digest"] != part["digest"]:
            differs.append(f"other definitions of {kind}")
    return ", ".join(differs)
