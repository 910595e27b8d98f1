"""Which processes make the product, how each is started and how one sees that it is well."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wildrydes.devstack.layout import REPOSITORY, Layout
from wildrydes.devstack.ports import LOOPBACK, SIMULATOR_DEFAULTS, Ports, free_ports

# Celery warns at length when root starts a worker; on a development machine root is allowed.
NO_ROOT_WARNING = "ignore:You're running the worker with superuser privileges"
MANAGE = (sys.executable, str(REPOSITORY / "manage.py"))
TIERS = ("basic", "premium", "enterprise")
FLEET = 240


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """One process to keep running.

    Attributes:
        name: how people and logs call it.
        argv: the command, started in the checkout.
        env: what it has in its environment besides the stack's.
        health_url: answers 200 when the process is well. Without it the process touches the file that HEALTH_FILE
            in its environment names, every few seconds for as long as it is well.
        metrics_port: where it tells Prometheus what it counts; None when it does not.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    health_url: str | None = None
    metrics_port: int | None = None


ProcessFactory = Callable[[Ports, Layout], Sequence[ProcessSpec]]


def product_processes(ports: Ports, layout: Layout) -> Sequence[ProcessSpec]:
    """Everything the product needs: web, a worker per tier, sweeper, scheduler and the simulated outside world."""
    own = (_web(ports), *_background())
    telling = [replace(spec, metrics_port=port) for spec, port in zip(own, free_ports(len(own)), strict=True)]
    exporter = ProcessSpec(name="exporter", argv=(*MANAGE, "exporter", "--every", "1"), metrics_port=ports.metrics)
    return (*_simulators(ports, layout), *telling, exporter)


def _web(ports: Ports) -> ProcessSpec:
    bind = f"{LOOPBACK}:{ports.web}"
    return ProcessSpec(
        name="web",
        argv=(sys.executable, "-m", "gunicorn", "-c", "wildrydes/gunicorn.py", "-b", bind, "wildrydes.wsgi"),
        health_url=f"http://{bind}/readyz",
    )


def _background() -> Sequence[ProcessSpec]:
    workers = (
        ProcessSpec(
            name=f"worker-{tier}", argv=(*MANAGE, "worker", "--tier", tier), env={"PYTHONWARNINGS": NO_ROOT_WARNING}
        )
        for tier in TIERS
    )
    return (
        *workers,
        ProcessSpec(name="sweeper", argv=(*MANAGE, "sweep")),
        ProcessSpec(name="scheduler", argv=(*MANAGE, "scheduler")),
    )


def _simulators(ports: Ports, layout: Layout) -> Sequence[ProcessSpec]:
    return tuple(
        ProcessSpec(
            name=f"{name}-simulator",
            argv=(
                *(sys.executable, "-m", "simulators", name),
                *("--port", str(getattr(ports, name)), "--data", str(layout.simulators)),
                *(_fleet(ports, layout) if name == "unicorns" else ()),
            ),
            health_url=f"http://{LOOPBACK}:{getattr(ports, name)}/healthz",
        )
        for name in SIMULATOR_DEFAULTS
    )


def _fleet(ports: Ports, layout: Layout) -> Sequence[str]:
    """Hundreds of unicorns that take part in requests for quotes as soon as they have a credential."""
    return (
        *("--count", str(FLEET), "--fleet-url", f"http://{LOOPBACK}:{ports.web}"),
        *("--fleet-credentials", str(layout.fleet)),
        *("--fleet-hook", f"http://{LOOPBACK}:{ports.unicorns}/fleet/hook"),
    )
