"""`pg_dump` of one schema, as SQL that can run inside a transaction over any connection."""

import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

from django.db import connection

from tenants.onboarding.errors import UnableToDump
from wildrydes.embedded import EmbeddedUnavailable, postgres_programs

_TIMEOUT_SECONDS = 120
_FLAGS = (
    "--no-owner",
    "--no-privileges",
    "--no-comments",
    "--no-tablespaces",
    "--no-table-access-method",
    "--no-publications",
    "--no-subscriptions",
    "--no-security-labels",
    "--rows-per-insert=500",  # COPY needs a protocol of its own; INSERTs run anywhere
)


def dump_schema(schema_name: str) -> str:
    """Everything in the schema as SQL, from `CREATE SCHEMA` on, without session settings and `psql` commands.

    Raises:
        UnableToDump: `pg_dump` is missing, older than the server, or failed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        major = int(cursor.fetchone()[0]) // 10_000
    info = connection.connection.info
    key = secrets.token_hex(16)
    command = [
        str(_program(major)),
        f"--dbname={info.dsn}",
        f"--schema={schema_name}",
        f"--restrict-key={key}",
        *_FLAGS,
    ]
    # In the environment, because arguments can be read by every user of the machine.
    environment = {**os.environ, "PGPASSWORD": info.password}
    try:
        done = subprocess.run(  # noqa: S603  # our own program and arguments; the schema's name is ours
            command, env=environment, capture_output=True, timeout=_TIMEOUT_SECONDS, check=True, text=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise UnableToDump(f"pg_dump failed: {said[-1] if said else type(error).__name__}") from error
    return _body(done.stdout, schema_name, key)


def _body(dump: str, schema_name: str, key: str) -> str:
    """The dump without its preamble (settings that would outlive the transaction) and without commands to `psql`.

    Both are found by random strings, the schema's name and the key, so nothing that data contains can be taken for them.
    """
    _, found, rest = dump.partition(f"CREATE SCHEMA {schema_name};\n")
    if not found:
        raise UnableToDump(f"pg_dump wrote no CREATE SCHEMA for {schema_name}.")
    return found + rest.replace(f"\\unrestrict {key}\n", "")


def _program(server_major: int) -> Path:
    """A `pg_dump` that is at least as new as the server: the wheel's, else the system's."""
    try:
        wheel: Path | None = postgres_programs() / "pg_dump"
    except EmbeddedUnavailable:
        wheel = None
    system = shutil.which("pg_dump")
    for program in (wheel, Path(system) if system else None):
        if program is not None and _major_of(program) >= server_major:
            return program
    raise UnableToDump(
        f"pg_dump {server_major} or newer is needed to make the template; install postgresql-client-{server_major}."
    )


def _major_of(program: Path) -> int:
    try:
        said = subprocess.run(  # noqa: S603  # a program that we found ourselves
            [str(program), "--version"], capture_output=True, timeout=10, check=True, text=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    number = re.search(r"\) (\d+)", said)
    return int(number[1]) if number else 0
