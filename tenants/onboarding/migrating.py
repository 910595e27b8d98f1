"""Migrating schemas: which are behind, and bringing one or many of them up to date."""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from time import monotonic

from django.contrib.contenttypes.models import ContentType
from django.core.management.commands import migrate
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from tenants.onboarding.locks import advisory_lock
from tenants.onboarding.migrations_on_disk import expected_migrations
from tenants.registry.models import Tenant

# Schemas per UNION: far below PostgreSQL's limits, and still one round trip for most installations.
_BATCH = 500
_LOCK_WAIT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Migrated:
    """What became of one schema; `error` is empty when it is up to date now."""

    schema_name: str
    seconds: float
    error: str = ""


def schemas_behind(schema_names: Sequence[str]) -> list[str]:
    """Those of the schemas that lack a migration of this version of the code; asked with one UNION per 500 schemas."""
    behind: list[str] = []
    for start in range(0, len(schema_names), _BATCH):
        behind += _behind(schema_names[start : start + _BATCH])
    return behind


def _behind(schema_names: Sequence[str]) -> list[str]:
    expected = sorted(expected_migrations())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_namespace n WHERE nspname = ANY(%s) AND EXISTS "
            "(SELECT FROM pg_class WHERE relnamespace = n.oid AND relname = 'django_migrations')",
            (list(schema_names),),
        )
        recorded = {row[0] for row in cursor.fetchall()}
        counts: dict[str, int] = {}
        if recorded:
            one = (
                "SELECT {name} AS schema_name, count(DISTINCT (m.app, m.name)) AS applied "
                "FROM {table} m JOIN expected e ON m.app = e.app AND m.name = e.name"
            )
            union = sql.SQL(" UNION ALL ").join(
                sql.SQL(one).format(name=sql.Literal(name), table=sql.Identifier(name, "django_migrations"))
                for name in sorted(recorded)
            )
            cursor.execute(
                sql.SQL("WITH expected AS (SELECT * FROM unnest(%s::text[], %s::text[]) AS e(app, name)) ") + union,
                ([app for app, _ in expected], [name for _, name in expected]),
            )
            counts = dict(cursor.fetchall())
    return [name for name in schema_names if counts.get(name, 0) < len(expected)]


def tenant_schemas() -> list[str]:
    """The schemas of all tenants that have one (also of those half onboarded), in the order of their names."""
    names = list(Tenant.objects.order_by("schema_name").values_list("schema_name", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", (names,))
        there = {row[0] for row in cursor.fetchall()}
    return [name for name in names if name in there]


def migrate_schema(schema_name: str) -> None:
    """Apply all migrations to one schema, on this thread's connection; the caller holds what lock it needs."""
    connection.set_schema(schema_name, include_public=False)  # type: ignore[attr-defined]
    try:
        # With `public` in the path, public's own table of migrations would be taken for this schema's.
        MigrationRecorder(connection).ensure_schema()
        connection.set_schema(schema_name)  # type: ignore[attr-defined]
        silent = io.StringIO()
        migrate.Command(stdout=silent, stderr=silent).execute(
            app_label=None,
            migration_name=None,
            database="default",
            verbosity=0,
            interactive=False,
            fake=False,
            fake_initial=False,
            plan=False,
            check_unapplied=False,
            run_syncdb=False,
            prune=False,
            skip_checks=True,
            no_color=True,
            force_color=False,
        )
    finally:
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        ContentType.objects.clear_cache()


def migrate_schemas(schema_names: Sequence[str], *, jobs: int, lock_timeout_seconds: float) -> Iterator[Migrated]:
    """Migrate schemas in `jobs` processes; each outcome is told as it comes, and a failure stops no other schema.

    `lock_timeout_seconds` is how long one statement may wait for a lock that the running service holds.
    """
    connections.close_all()  # a connection must not be shared with the processes
    with ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("fork")) as pool:
        waiting = {pool.submit(_migrate_locked, name, lock_timeout_seconds): name for name in schema_names}
        for done in as_completed(waiting):
            error = done.exception()
            if error is not None:  # the process itself died
                yield Migrated(schema_name=waiting[done], seconds=0.0, error=f"{type(error).__name__}: {error}")
            else:
                yield done.result()


def _migrate_locked(schema_name: str, lock_timeout_seconds: float) -> Migrated:
    started = monotonic()
    error = ""
    try:
        with advisory_lock(f"migrate {schema_name}", wait_seconds=_LOCK_WAIT_SECONDS):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('lock_timeout', %s, false)", (f"{int(lock_timeout_seconds * 1000)}ms",)
                )
                cursor.execute("SET statement_timeout = 0")
            migrate_schema(schema_name)
    except Exception as caught:  # noqa: BLE001  # whatever went wrong with one tenant, the others go on
        error = f"{type(caught).__name__}: {str(caught).strip().splitlines()[0] if str(caught).strip() else ''}"
        connection.close()
    return Migrated(schema_name=schema_name, seconds=monotonic() - started, error=error)
