"""The servers that the tests use: real ones, embedded, started by the first process that needs them.

`DATABASE_URL` and `REDIS_URL` in the environment replace them. Secrets are made up; nothing leaves the machine.
"""

import atexit
import base64
import os
import secrets
from pathlib import Path

from wildrydes.embedded import EmbeddedPostgres, EmbeddedValkey

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "var" / "test"


def prepare_environment() -> None:
    """Put into the environment what settings.py asks for. Processes started from here, xdist's workers too, inherit it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wildrydes.settings")
    os.environ.setdefault("ENVIRONMENT", "test")
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    os.environ.setdefault("FIELD_ENCRYPTION_KEY", _kept_key())
    os.environ.setdefault("WILDRYDES_VAR", str(DATA / "runtime"))
    os.environ.setdefault("PUBLIC_DOMAIN", "localhost")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    if not os.environ.get("DATABASE_URL"):
        postgres = EmbeddedPostgres(DATA / "postgres", fsync=False, max_connections=120)
        postgres.start()
        atexit.register(postgres.stop)
        os.environ["DATABASE_URL"] = postgres.url
    if not os.environ.get("REDIS_URL"):
        valkey = EmbeddedValkey(DATA / "valkey", append_only=False)
        valkey.start()
        atexit.register(valkey.stop)
        os.environ["REDIS_URL"] = _numbered(valkey.url)
    else:
        os.environ["REDIS_URL"] = _numbered(os.environ["REDIS_URL"])


def _kept_key() -> str:
    """A key of this checkout's own, kept so that the template database can be opened by the next run."""
    path = DATA / "field-encryption-key"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        fresh = DATA / f".key-{os.getpid()}"
        fresh.touch(mode=0o600)
        fresh.write_text(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        fresh.rename(path)
    return path.read_text()


def _numbered(url: str) -> str:
    """Each of xdist's workers has a Redis database of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    base, _, last = url.rpartition("=" if "virtual_host=" in url else "/")
    separator = "=" if "virtual_host=" in url else "/"
    return f"{base}{separator}{int(worker) + 1 if last.isdigit() else last}"
