"""What a claim, an acknowledgement and a publication cost with 10, 1,000 and 100,000 groups in the queue."""

import os
import statistics
import time
from pathlib import Path
from typing import Any

import redis

from bench._fq_sides import valkey
from bench._servers import say
from fairqueue.options import Options
from fairqueue.scripts import Scripts, source

SIZES = (10, 1_000, 100_000)
ROUNDS = int(os.environ.get("BENCH_COST_ROUNDS", "60"))
BLOCK = 20
_PAYLOAD = '{"body": "' + "x" * 400 + '"}'


class Queue:
    """A queue of so many groups, each with a message that waits, in a database of its own."""

    def __init__(self, port: int, number: int, groups: int) -> None:
        self.groups = groups
        self.client: Any = redis.Redis(port=port, db=number)
        self.scripts = Scripts(Options())
        self.next = 0
        self.micros: dict[str, list[float]] = {"publish": [], "claim": [], "ack": []}
        self.wall: dict[str, list[float]] = {"publish": [], "claim": [], "ack": []}
        for name in self.micros:
            self.client.script_load(source(name))
        for _ in range(max(groups, 2_000) // 1000):
            self.publish(1000)

    def publish(self, count: int) -> list[str]:
        """Add messages, group after group."""
        with self.client.pipeline(transaction=False) as pipe:
            for _ in range(count):
                group, tag = f"group-{self.next % self.groups}", f"tag-{self.next}"
                arguments = (0, group, tag, 0, "", '["",""]', _PAYLOAD, 0)
                pipe.execute_command(*self.scripts.command("publish", "q", *arguments))
                self.next += 1
            pipe.execute()
        return []

    def claim(self) -> list[str]:
        """Take a block, one by one; answers the tags."""
        before = set(self.client.zrange("fairqueue:q:flight", 0, -1))
        commands = [("RPOP", "q"), self.scripts.command("claim", "q", 0, 1, 0, 0)] * BLOCK
        self._pipe(commands)
        return [tag.decode() for tag in self.client.zrange("fairqueue:q:flight", 0, -1) if tag not in before]

    def ack(self, tags: list[str]) -> None:
        """Acknowledge them, one by one."""
        self._pipe([self.scripts.command("ack", "", tag) for tag in tags])

    def _pipe(self, commands: list[Any]) -> None:
        with self.client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            pipe.execute()

    def round(self) -> None:
        """One block of each, measured."""
        self._measured("publish", lambda: self.publish(BLOCK))
        tags = self._measured("claim", self.claim)
        self._measured("ack", lambda: self.ack(tags))

    def _measured(self, name: str, act: Any) -> Any:
        self.client.config_resetstat()
        began = time.perf_counter()
        result = act()
        self.wall[name].append((time.perf_counter() - began) / BLOCK * 1e6)
        stats = self.client.info("commandstats")["cmdstat_evalsha"]
        self.micros[name].append(stats["usec"] / stats["calls"])
        return result

    def summary(self) -> dict[str, Any]:
        """Medians, in microseconds."""
        return {
            name: {
                "server_us": round(statistics.median(self.micros[name]), 1),
                "wall_us": round(statistics.median(self.wall[name]), 1),
            }
            for name in self.micros
        }


def measure(folder: Path) -> dict[str, Any]:
    """All sizes on one server, in turns; ratio of the largest to the smallest for a claim with its acknowledgement."""
    with valkey(folder / "cost") as port:
        queues = [Queue(port, number, groups) for number, groups in enumerate(SIZES)]
        for _ in range(ROUNDS):
            for queue in queues:
                queue.round()
    found: dict[str, Any] = {str(queue.groups): queue.summary() for queue in queues}
    ratios = [
        (large_claim + large_ack) / (small_claim + small_ack)
        for small_claim, small_ack, large_claim, large_ack in zip(
            queues[0].micros["claim"],
            queues[0].micros["ack"],
            queues[-1].micros["claim"],
            queues[-1].micros["ack"],
            strict=True,
        )
    ]
    found["ratio_100k_10"] = round(statistics.median(ratios), 3)
    for size in SIZES:
        say(f"{size} groups: {found[str(size)]}")
    return found
