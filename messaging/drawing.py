"""The topology for people: as a table and as a Mermaid flowchart."""

from messaging.messages import Command
from messaging.topology import Route, get_topology

_HEAD = (
    "message",
    "kind",
    "handler",
    "shape",
    "queue class",
    "attempts/crashes",
    "back-off",
    "time to live",
    "dead-letter outcome",
    "scope",
)


def topology_as_table() -> str:
    """One aligned line per route."""
    rows = [_HEAD, *(_cells(route) for route in get_topology().routes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _cells(route: Route) -> tuple[str, ...]:
    retry = route.retry
    return (
        f"{route.message.topic} v{route.message.version}",
        "command" if issubclass(route.message, Command) else "event",
        route.name,
        route.shape,
        str(route.queue_class),
        f"{retry.attempts}/{retry.crashes}",
        f"{retry.base:g} s .. {retry.cap:g} s",
        "-" if route.time_to_live is None else str(route.time_to_live),
        "-" if route.on_dead is None else route.on_dead.__name__,
        str(route.scope),
    )


def topology_as_mermaid() -> str:
    """A flowchart: commands as rectangles, events as stadiums, handlers grouped by queue class."""
    routes = get_topology().routes
    lines = ["flowchart LR"]
    for route in routes:
        topic = route.message.topic
        lines.append(
            f'  {_id(topic)}["{topic}"]' if issubclass(route.message, Command) else f'  {_id(topic)}(["{topic}"])'
        )
    for queue_class in sorted({str(route.queue_class) for route in routes}):
        lines.append(f"  subgraph {queue_class}")
        lines += [f'    h_{_id(route.name)}["{route.name}"]' for route in routes if route.queue_class == queue_class]
        lines.append("  end")
    lines += [f"  {_id(route.message.topic)} --> h_{_id(route.name)}" for route in routes]
    return "\n".join(dict.fromkeys(lines[:1])) + "\n" + "\n".join(dict.fromkeys(lines[1:]))


def _id(name: str) -> str:
    return name.replace(".", "_")
