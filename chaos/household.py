"""The stack under test: the product's own processes, with one tier's workers split into threads and prefork."""

import sys
from collections.abc import Sequence

from wildrydes.devstack import Layout, Ports, ProcessSpec, Stack, product_processes
from wildrydes.devstack.layout import REPOSITORY
from wildrydes.devstack.processes import NO_ROOT_WARNING

# Classes of work that stay inside the database: these run prefork.
INSIDE = ("bookings", "loyalty", "control")
OUTSIDE = ("payments", "notifications", "rfq")
SPLIT = "enterprise"


def processes(ports: Ports, layout: Layout) -> Sequence[ProcessSpec]:
    """As `make up`, but the enterprise tier has a worker with threads and one with prefork children."""
    usual = [spec for spec in product_processes(ports, layout) if spec.name != f"worker-{SPLIT}"]
    return [*usual, _worker("threads", OUTSIDE), _worker("prefork", INSIDE)]


def build(layout: Layout, *, environment: dict[str, str] | None = None) -> Stack:
    """A stack of our own, with servers of its own, whatever our own environment says."""
    own = {"DATABASE_URL": "", "REDIS_URL": "", "ENVIRONMENT": "development", "PUBLIC_DOMAIN": "localhost"}
    return Stack(layout.var, processes=processes, environment={**own, **(environment or {})})


def _worker(pool: str, classes: Sequence[str]) -> ProcessSpec:
    options = [part for name in classes for part in ("--class", name)]
    size = ["--concurrency", "2"] if pool == "prefork" else []
    return ProcessSpec(
        name=f"worker-{SPLIT}-{pool}",
        argv=(
            *(sys.executable, str(REPOSITORY / "manage.py"), "worker", "--tier", SPLIT),
            *("--pool", pool, *size, *options),
        ),
        env={"PYTHONWARNINGS": NO_ROOT_WARNING},
    )
