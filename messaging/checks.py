"""The start-up check of the topology: what does not exist is refused before anything runs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from messaging.messages import Command, Event
from messaging.settings import lease_seconds
from messaging.topology import Route, get_topology

_GATEWAY_STEPS = ("prepare", "lookup", "call", "settle")


@register()
def check_topology(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every mistake in `wildrydes/topology.py`, all at once."""
    try:
        routes = get_topology().routes
    except (ImportError, AttributeError) as error:
        return [Error(f"The topology cannot be loaded: {error}", id="messaging.E001")]
    found = [problem for route in routes for problem in _check_route(route)]
    names = Counter(route.name for route in routes)
    found += [f"The handler name {name} is declared {count} times." for name, count in names.items() if count > 1]
    commands = Counter((r.message.topic, r.message.version) for r in routes if issubclass(r.message, Command))
    found += [
        f"The command {topic} v{version} has {n} handlers; it must have one."
        for (topic, version), n in commands.items()
        if n > 1
    ]
    return [Error(text, hint="Correct wildrydes/topology.py.", id="messaging.E002") for text in found]


def _check_route(route: Route) -> list[str]:
    found = []
    if not issubclass(route.message, Event | Command):
        found.append(f"{route.name}: {route.message.__name__} is neither an Event nor a Command.")
    if not getattr(route.message, "topic", ""):
        found.append(f"{route.name}: {route.message.__name__} has no topic.")
    if not callable(route.handler):
        missing = [step for step in _GATEWAY_STEPS if not callable(getattr(route.handler, step, None))]
        if missing:
            found.append(f"{route.name}: the gateway lacks {', '.join(missing)}.")
    if issubclass(route.message, Command) and route.on_dead is None and route.scope == "tenant":
        found.append(f"{route.name}: a command needs on_dead, the outcome that is committed with its dead letter.")
    if route.retry.attempts < 1 or route.retry.crashes < 1:
        found.append(f"{route.name}: attempts and crashes are at least 1.")
    if route.time_limit <= lease_seconds() / 3:
        found.append(f"{route.name}: the time limit is shorter than a heartbeat.")
    return found
