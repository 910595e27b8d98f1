"""The environment that all processes of a stack share, and the files that carry it to other terminals."""

import base64
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from wildrydes.devstack.layout import Layout
from wildrydes.devstack.ports import LOOPBACK, Ports

ENCRYPTION_KEY_BYTES = 32


def read_env_file(path: Path) -> dict[str, str]:
    """The KEY=VALUE lines of a file; nothing when there is none."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key.strip(): value for key, _, value in pairs}


def write_env_file(path: Path, values: Mapping[str, str], *, comment: str) -> None:
    """Replace the file in one step; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, half = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # made with mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# {comment}\n")
        file.writelines(f"{key}={value}\n" for key, value in values.items())
    Path(half).replace(path)


def ensure_secrets(layout: Layout) -> dict[str, str]:
    """The stack's own keys, made at the first start and kept: a new one would make stored data unreadable."""
    found = read_env_file(layout.secrets)
    made = {
        "SECRET_KEY": found.get("SECRET_KEY") or secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEY": found.get("FIELD_ENCRYPTION_KEY")
        or base64.urlsafe_b64encode(secrets.token_bytes(ENCRYPTION_KEY_BYTES)).decode(),
    }
    if any(found.get(key) != value for key, value in made.items()):
        write_env_file(
            layout.secrets, {**found, **made}, comment="Made at the first start. Keep it, and keep it secret."
        )
    return {**found, **made}


def describe_stack(*, database_url: str, redis_url: str, ports: Ports) -> dict[str, str]:
    """What another terminal needs to know to reach the stack: the contents of `stack.env`."""
    simulators = (ports.payments, ports.finance, ports.unicorns)
    return {
        "ENVIRONMENT": "development",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BROKER_TRANSPORT": "fairqueue",
        "PORT": str(ports.web),
        "PUBLIC_DOMAIN": "localhost",
        "PAYMENT_PROVIDER_URL": f"http://{LOOPBACK}:{ports.payments}",
        "FINANCE_SIMULATOR_URL": f"http://{LOOPBACK}:{ports.finance}",
        "UNICORNS_URL": f"http://{LOOPBACK}:{ports.unicorns}",
        # The one hole in the wall around outbound HTTP: the simulators, by address and port.
        "OUTBOUND_ALLOW": ",".join(f"{LOOPBACK}/32:{port}" for port in simulators),
    }
