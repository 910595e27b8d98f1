"""The template: one schema, migrated the slow way, kept as SQL and replayed for every tenant.

Replaying takes a fraction of a second where migrations take many. Cloning inside the database is not used: it renames unique
constraints, so that a later migration fails on the clone.
"""

import secrets
from time import monotonic

import structlog
from django.db import connection, transaction
from psycopg import sql

from tenants.onboarding.dumping import dump_schema
from tenants.onboarding.errors import UnableToProvision
from tenants.onboarding.locks import LockBusy, advisory_lock
from tenants.onboarding.migrating import migrate_schema
from tenants.onboarding.migrations_on_disk import migrations_fingerprint
from tenants.onboarding.models import SchemaTemplate
from tenants.onboarding.shape import shape_of
from tenants.registry.naming import SCHEMA_PATTERN

# No tenant's schema begins like this: a letter follows `t_` there.
_PREFIX = "t__template_"
_BUILD_WAIT_SECONDS = 120.0
_log = structlog.get_logger(__name__)


def current_template() -> SchemaTemplate | None:
    """The template that fits this version of the code, if it was built."""
    return SchemaTemplate.objects.filter(fingerprint=migrations_fingerprint()).first()


def ensure_template() -> tuple[SchemaTemplate, bool]:
    """The template that fits this version of the code, and whether it had to be built for that.

    One process builds, others wait. What a build that was killed left behind is dropped by the next one. Works outside of
    transactions, as `pg_dump` reads what is committed.

    Raises:
        UnableToProvision: another process has been building for minutes, or the template cannot be dumped.
    """
    template = current_template()
    if template is not None:
        return template, False
    try:
        with advisory_lock("schema template", wait_seconds=_BUILD_WAIT_SECONDS):
            template = current_template()
            if template is not None:
                return template, False
            return _build(), True
    except LockBusy as error:
        raise UnableToProvision(f"The template is not there yet: {error}") from error


def _build() -> SchemaTemplate:
    started = monotonic()
    _drop_leftovers()
    schema_name = _PREFIX + secrets.token_hex(16)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema_name)))
        migrate_schema(schema_name)
        template = SchemaTemplate(
            fingerprint=migrations_fingerprint(),
            schema_name=schema_name,
            sql=dump_schema(schema_name),
            shape=shape_of(schema_name),
            build_seconds=round(monotonic() - started, 3),
        )
    finally:
        _drop_leftovers()
    with transaction.atomic():
        template.save(force_insert=True)
        # Two versions of the code may be at work during a deployment; older templates are of no use.
        keep = SchemaTemplate.objects.order_by("-built_at").values_list("fingerprint", flat=True)[:3]
        SchemaTemplate.objects.exclude(fingerprint__in=list(keep)).delete()
    _log.info("template.built", seconds=template.build_seconds, columns=template.shape["columns"]["count"])
    return template


def _drop_leftovers() -> None:
    """Drop template schemas; nobody else has one under way while we hold the lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", (_PREFIX,))
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def sql_for(template: SchemaTemplate, schema_name: str) -> str:
    """The template's SQL for another schema.

    Two things make the replacement safe wherever the name stands (identifier, string, function body): the name searched for
    is random, so data cannot hold it by chance or intent, and the name put there is plain letters, digits and underscores.

    Raises:
        UnableToProvision: `schema_name` is no tenant's.
    """
    if not SCHEMA_PATTERN.match(schema_name):
        raise UnableToProvision(f"{schema_name!r} is no name of a tenant's schema.")
    text: str = template.sql
    return text.replace(template.schema_name, schema_name)


def replay(template: SchemaTemplate, schema_name: str) -> None:
    """Create the schema from the template, whole or (with the caller's transaction) not at all.

    Raises:
        UnableToProvision: `schema_name` is no tenant's.
    """
    text = sql_for(template, schema_name)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL check_function_bodies = off")
        cursor.execute("SELECT set_config('search_path', '', true)")
        try:
            cursor.execute(text)
        finally:
            connection.search_path_set_schemas = None  # type: ignore[attr-defined]  # django-tenants sets it anew
        cursor.execute("SET LOCAL check_function_bodies = on")


def schema_exists(schema_name: str) -> bool:
    """Whether the database has a schema of this name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", (schema_name,))
        row = cursor.fetchone()
    return bool(row and row[0])
