"""`python -m fairqueue`: look at fair queues, set limits, redrive dead letters."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import redis

from fairqueue.errors import FairqueueError
from fairqueue.limits import Limits
from fairqueue.queues import FairQueue, queues


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fairqueue", description="Fair queues on Redis: look, limit, redrive.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379/0", help="redis://, rediss:// or unix://")
    parser.add_argument("--prefix", default="", help="the transport's global_keyprefix")
    parser.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("queues", help="every queue: waiting, in flight, delayed, dead, oldest, busy workers")
    for name, text in (
        ("groups", "the groups of a queue"),
        ("dead", "dead letters, the oldest first"),
    ):
        commands.add_parser(name, help=text).add_argument("queue")
    position = commands.add_parser("position", help="where a message of a group would stand if it were sent now")
    why = commands.add_parser("why", help="why a message waits or waited (delivery tag or task id)")
    limit = commands.add_parser("limit", help="give a group a weight, a cap, a pause; what is not named is taken away")
    caps = commands.add_parser("caps", help="how many may be in flight of each group, and in all")
    redrive = commands.add_parser("redrive", help="send dead letters again")
    purge = commands.add_parser("purge", help="remove what waits")
    for command in (position, why, limit, caps, redrive, purge):
        command.add_argument("queue")
    position.add_argument("group")
    limit.add_argument("group")
    why.add_argument("tag")
    limit.add_argument("--weight", type=float, default=1.0)
    limit.add_argument("--cap", type=int)
    limit.add_argument("--pause", action="store_true")
    caps.add_argument("--each", type=int)
    caps.add_argument("--total", type=int)
    redrive.add_argument("--limit", type=int, default=1000)
    for command in (redrive, purge):
        command.add_argument("--group", default="")
    return parser


def _act(options: argparse.Namespace, client: redis.Redis) -> Any:
    if options.command == "queues":
        names = queues(client, global_keyprefix=options.prefix)
        return [FairQueue(name, client, global_keyprefix=options.prefix).view() for name in names]
    queue = FairQueue(options.queue, client, global_keyprefix=options.prefix)
    actions: dict[str, Callable[[], Any]] = {
        "groups": queue.groups,
        "dead": queue.dead_letters,
        "position": lambda: [queue.position(options.group)],
        "why": lambda: [queue.why(options.tag)],
        "limit": lambda: queue.set_limits(
            options.group, Limits(weight=options.weight, cap=options.cap, paused=options.pause)
        ),
        "caps": lambda: queue.set_caps(each=options.each, total=options.total),
        "redrive": lambda: f"{queue.redrive(options.limit, group=options.group)} sent again",
        "purge": lambda: f"{queue.purge(options.group)} removed",
    }
    return actions[options.command]()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, tuple):
        return " ".join(value)
    return str(value) if len(str(value)) <= 60 else f"{str(value)[:59]}…"


def _print_table(rows: Sequence[Any]) -> None:
    if not rows:
        print("nothing")
        return
    names = [field.name for field in dataclasses.fields(rows[0])]
    table = [[name.replace("_", " ") for name in names]]
    table += [[_cell(getattr(row, name)) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(len(names))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it was done, 1 with one line when not."""
    options = _parser().parse_args(arguments)
    try:
        result = _act(options, redis.Redis.from_url(options.url))
    except (FairqueueError, redis.RedisError, ValueError) as error:
        print(f"fairqueue: {error}", file=sys.stderr)
        return 1
    if options.json:
        rows = [dataclasses.asdict(row) for row in result] if isinstance(result, list) else result
        print(json.dumps(rows, default=lambda value: value.isoformat() if isinstance(value, datetime) else str(value)))
    elif isinstance(result, list):
        _print_table(result)
    elif result is not None:
        print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
