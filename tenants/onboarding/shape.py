"""What a schema is made of, so that a copy can be held against its original."""

import hashlib
import json
from typing import Any

from django.db import connection

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


def shape_of(schema_name: str) -> dict[str, Any]:
    """How many of each part the schema has, its migrations among them, and a digest over all definitions.

    Equal shapes mean equal schemas, whatever they are called.
    """
    counts: dict[str, int] = {}
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', quote_ident(%s), false)", (schema_name,))
        try:
            for part, query in _PARTS.items():
                cursor.execute(query, (schema_name,))
                rows = sorted(json.dumps(row).replace(schema_name + ".", "") for row in cursor.fetchall())
                counts[part] = len(rows)
                digest.update("\n".join([part, *rows, ""]).encode())
            cursor.execute("SELECT DISTINCT app, name FROM django_migrations ORDER BY app, name")
            migrations = cursor.fetchall()
        finally:
            connection.search_path_set_schemas = None  # type: ignore[attr-defined]  # django-tenants sets it anew
    counts["migrations"] = len(migrations)
    digest.update(json.dumps(migrations).encode())
    return {**counts, "digest": digest.hexdigest()}


def difference(expected: dict[str, Any], found: dict[str, Any]) -> str:
    """What differs between two shapes, for a person; empty when nothing does."""
    parts = [
        f"{part} {found.get(part)} instead of {count}"
        for part, count in expected.items()
        if part != "digest" and found.get(part) != count
    ]
    if not parts and expected["digest"] != found.get("digest"):
        parts = ["the definitions differ although their numbers are equal"]
    return ", ".join(parts)
