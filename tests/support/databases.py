"""Databases for tests: migrated once, with two onboarded tenants, then copied in a fraction of a second.

The template is kept between runs under a name that changes with every migration and with the code that onboards.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tenants.onboarding.models import OnboardingRun
from tenants.registry.models import TenantStatus
from tests.support.draining import drain
from tests.support.servers import DATA, ROOT

_WHAT_MAKES_IT = (
    "*/migrations/*.py",
    "tenants/*/migrations/*.py",
    "messaging/*/migrations/*.py",
    "tenants/**/*.py",
    "console/roles.py",
    "tests/support/*.py",
)


def template_name() -> str:
    """The name of the template that belongs to this code."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _WHAT_MAKES_IT for path in ROOT.glob(pattern)}):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    # What is sealed in it can be opened with the same key only.
    digest.update(os.environ["FIELD_ENCRYPTION_KEY"].encode())
    return f"wr_template_{digest.hexdigest()[:16]}"


@contextmanager
def _alone(name: str) -> Iterator[None]:
    DATA.mkdir(parents=True, exist_ok=True)
    with Path(DATA / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _administer(*statements: sql.Composed) -> None:
    database = settings.DATABASES["default"]
    address = {
        "host": database["HOST"],
        "port": database["PORT"],
        "user": database["USER"],
        "password": database["PASSWORD"],
    }
    given = {key: value for key, value in address.items() if value}
    with psycopg.connect(dbname="postgres", autocommit=True, **given) as session:
        for statement in statements:
            session.execute(statement)


def _exists(name: str) -> bool:
    database = settings.DATABASES["default"]
    given = {
        "host": database["HOST"],
        "port": database["PORT"],
        "user": database["USER"],
        "password": database["PASSWORD"],
    }
    with psycopg.connect(dbname="postgres", autocommit=True, **{k: v for k, v in given.items() if v}) as session:
        return session.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _end_sessions(name: str) -> None:
    """A heartbeat's thread may still be connected."""
    _administer(
        sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND usename = current_user"
        ).format(sql.Literal(name))
    )


def use(name: str) -> None:
    """Point Django at the database."""
    connections["default"].close()
    settings.DATABASES["default"]["NAME"] = name
    connections["default"].settings_dict["NAME"] = name


def ensure_template() -> str:
    """Make the template unless it is there; answers its name."""
    name = template_name()
    with _alone("template"):
        if not _exists(name):
            half_made = f"{name}_making"
            drop(half_made)
            _administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(half_made)))
            use(half_made)
            _fill()
            connections["default"].close()
            _end_sessions(half_made)
            _administer(
                # The heartbeat's thread may not have hung up yet.
                sql.SQL("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}").format(
                    sql.Literal(half_made)
                ),
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(half_made), sql.Identifier(name)),
            )
    return name


def copy(template: str, name: str) -> None:
    """A fresh copy of the template under a name, in place of what had that name, and Django pointed at it."""
    connections["default"].close()
    drop(name)
    with _alone("template"):  # a template that is being copied cannot be copied by another
        _administer(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    use(name)


def drop(name: str) -> None:
    """Drop the database, whoever is connected to it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    try:
        _administer(statement + sql.SQL(" WITH (FORCE)"))
    except psycopg.errors.InsufficientPrivilege:
        # Autovacuum is in there, which we may not end; without FORCE the server sends it away by itself.
        _end_sessions(name)
        _administer(statement)


def _fill() -> None:
    call_command("migrate_schemas", shared=True, verbosity=0)
    for slug, tier in (("acme", "basic"), ("globex", "premium")):
        call_command("onboard", name=slug.title(), slug=slug, tier=tier, email=f"boss@{slug}.example", verbosity=0)
    drain()
    unfinished = list(
        OnboardingRun.objects.exclude(tenant__status=TenantStatus.ACTIVE).values_list("failure", flat=True)
    )
    assert not unfinished, f"The tests' tenants could not be onboarded: {unfinished}"
