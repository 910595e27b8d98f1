"""What the tables' owner could do with bad intentions: change the journal although triggers guard it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from tenants.registry.context import entered_schema

_TABLES = ("journal_message", "journal_trace", "journal_segment")


@contextmanager
def unguarded(schema: str | None = None) -> Iterator[None]:
    """In here the schema's triggers do not fire (the entered one's by default); one transaction, and all of them back on."""
    with transaction.atomic():
        _switch(schema or entered_schema(), "DISABLE")
        yield
        _switch(schema or entered_schema(), "ENABLE")


def _switch(schema: str, way: str) -> None:
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {schema}.{table} {way} TRIGGER USER")
