"""Which ports the stack listens on, all of them on the loopback interface."""

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from wildrydes.devstack.errors import PortInUse, StackError

LOOPBACK = "127.0.0.1"
WEB_DEFAULT = 8000
SIMULATOR_DEFAULTS = {"payments": 9101, "finance": 9102, "unicorns": 9103}
METRICS_DEFAULT = 9464  # OpenTelemetry's default for Prometheus exporters
HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Ports:
    """One port per server of the stack."""

    web: int
    payments: int
    finance: int
    unicorns: int
    metrics: int

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody uses at this moment."""
        web, payments, finance, unicorns, metrics = free_ports(5)
        return cls(web=web, payments=payments, finance=finance, unicorns=unicorns, metrics=metrics)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """PORT, PAYMENTS_PORT, FINANCE_PORT, UNICORNS_PORT and METRICS_PORT, or their defaults; 0 takes any free one.

        A simulator, or the exporter, without a port of its own in the environment gives way when its default is in use.

        Raises:
            PortInUse: the web's port, or one that was asked for, is in use.
            StackError: a variable is no port number.
        """
        any_free = cls.free()
        web = _asked(environment, "PORT") if environment.get("PORT") else WEB_DEFAULT
        chosen = {"web": _usable(web, variable="PORT", who="the web") if web else any_free.web}
        for name, default in (SIMULATOR_DEFAULTS | {"metrics": METRICS_DEFAULT}).items():
            variable = f"{name.upper()}_PORT"
            port = _asked(environment, variable) if environment.get(variable) else default
            if port and variable in environment:
                chosen[name] = _usable(port, variable=variable, who=_who(name))
            else:
                chosen[name] = port if port and _is_free(port) else getattr(any_free, name)
        return cls(**chosen)


def free_ports(count: int) -> list[int]:
    """That many ports that nobody uses at this moment."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]


def _who(name: str) -> str:
    return "the exporter" if name == "metrics" else f"the {name} simulator"


def _asked(environment: Mapping[str, str], variable: str) -> int:
    value = environment[variable]
    if not value.isascii() or not value.isdigit() or int(value) > HIGHEST_PORT:
        raise StackError(f"{variable}={value!r} is no port: use a number from 0 (any free one) to {HIGHEST_PORT}.")
    return int(value)


def _usable(port: int, *, variable: str, who: str) -> int:
    if not _is_free(port):
        raise PortInUse.of(port=port, variable=variable, who=who)
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        # As servers bind: connections of a server that has just ended do not block the port.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
