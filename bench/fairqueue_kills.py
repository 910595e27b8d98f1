"""`make bench-fairqueue_kills`: workers and servers killed under load, fairqueue beside the stock transport, with a ledger.

MESSAGES (500,000), KILLS (200 of workers per side), SERVER_KILLS (8 per side, append-only file on) and SEED say how much. Every
message is written down when its sending was answered, and again by each consumer that worked on it; what is in the first
ledger and not in the second was lost. Results go to bench/results/fairqueue_kills.json.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import redis
from kombu import Connection

from bench._kill_consumer import OPTIONS, QUEUE
from bench._servers import RESULTS, ROOT, say
from wildrydes.embedded import EmbeddedValkey

MESSAGES = int(os.environ.get("MESSAGES", "500000"))
KILLS = int(os.environ.get("KILLS", "200"))
SERVER_KILLS = int(os.environ.get("SERVER_KILLS", "8"))
SEED = int(os.environ.get("SEED", "1"))
CONSUMERS = 4
BATCH = 200
GROUPS = 50
QUIET_SECONDS = 60.0


class Side:
    """One transport under fire: a server, a producer, consumers, and somebody who kills."""

    def __init__(self, name: str, scheme: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        folder.mkdir()
        self.server = EmbeddedValkey(folder / "valkey")
        self.server.start()
        self.url = self.server.url.replace("redis+socket", scheme)
        self.random = random.Random(SEED)
        self.sent = 0
        self.consumers: list[subprocess.Popen[bytes]] = []
        self.starts = 0
        self.killed = {"consumers": 0, "servers": 0}
        self.guard = threading.Lock()

    def ledgers(self) -> list[Path]:
        """What the consumers wrote."""
        return sorted(self.folder.glob("ledger-*"))

    def start_consumer(self) -> None:
        """One more, with a ledger of its own."""
        self.starts += 1
        with (self.folder / "consumers.log").open("ab") as log:
            arguments = [
                sys.executable,
                "-m",
                "bench._kill_consumer",
                self.url,
                str(self.folder / f"ledger-{self.starts}"),
            ]
            self.consumers.append(subprocess.Popen(arguments, cwd=ROOT, stdout=log, stderr=log))

    def publish(self) -> None:
        """Send all, in batches; one whose answer was lost is sent again, so that copies come of the harness as well."""
        while self.sent < MESSAGES:
            try:
                with Connection(self.url, transport_options=OPTIONS) as connection:
                    self._publish_on(connection)
            except Exception as error:  # noqa: BLE001  # whatever a dying broker makes of the client
                say(f"  {self.name}: producer starts anew: {type(error).__name__}")
                time.sleep(0.2)

    def _publish_on(self, connection: Connection) -> None:
        producer = connection.Producer()
        QUEUE(connection.default_channel).declare()
        while self.sent < MESSAGES:
            end = min(self.sent + BATCH, MESSAGES)
            with producer.batch():
                for number in range(self.sent, end):
                    group = {"MessageGroupId": f"g{number % GROUPS}"} if self.name == "fairqueue" else {}
                    producer.publish(number, exchange="", routing_key=QUEUE.name, serializer="json", **group)
            self.sent = end
            while self.backlog() > 50_000:
                time.sleep(0.05)

    def backlog(self) -> int:
        """How many are sent and not yet worked on, roughly."""
        return self.sent - sum(path.stat().st_size for path in self.ledgers()) // 7

    def kill_until(self, over: threading.Event) -> None:
        """Kill consumers and the server, spread over the time that the messages take."""
        plan = ["consumers"] * KILLS + ["servers"] * SERVER_KILLS
        self.random.shuffle(plan)
        for number, kind in enumerate(plan):
            while self.worked_on() < MESSAGES * number / (len(plan) + 2):
                if over.wait(0.05):
                    return
            self._kill(kind)

    def worked_on(self) -> int:
        """Messages worked on so far, copies included, by the size of the ledgers."""
        return self.sent - self.backlog()

    def _kill(self, kind: str) -> None:
        self.killed[kind] += 1
        if kind == "servers":
            process = self.server._process()  # noqa: SLF001  # the harness pulls the plug on it
            if process is not None:
                process.kill()
                process.wait()
            time.sleep(self.random.uniform(0, 1))
            self.server.start()
        else:
            victim = self.consumers.pop(self.random.randrange(len(self.consumers)))
            victim.kill()
            victim.wait()
            self.start_consumer()

    def run(self) -> dict[str, Any]:
        """From the first message until nothing comes any more; answers the figures."""
        began = time.monotonic()
        for _ in range(CONSUMERS):
            self.start_consumer()
        over = threading.Event()
        killer = threading.Thread(target=self.kill_until, args=(over,))
        killer.start()
        producer = threading.Thread(target=self.publish)
        producer.start()
        missing, last, changed = MESSAGES, -1, time.monotonic()
        while missing and time.monotonic() - changed < QUIET_SECONDS:
            time.sleep(2)
            seen, copies = self._read()
            missing = MESSAGES - len(seen)
            if len(seen) + copies != last or producer.is_alive():
                last, changed = len(seen) + copies, time.monotonic()
            say(f"  {self.name}: {self.sent} sent, {len(seen)} done, {copies} copies, {self.killed} killed")
        over.set()
        killer.join()
        seconds = time.monotonic() - began
        seen, copies = self._read()
        left = redis.Redis.from_url(self.server.client_url).llen("kills")
        for consumer in self.consumers:
            consumer.kill()
            consumer.wait()
        return {
            "sent": self.sent,
            "lost": MESSAGES - len(seen),
            "worked_on_again": copies,
            "left_in_queue": left,
            "consumers_killed": self.killed["consumers"],
            "servers_killed": self.killed["servers"],
            "seconds": round(seconds, 1),
        }

    def _read(self) -> tuple[set[int], int]:
        seen: set[int] = set()
        lines = 0
        for path in self.ledgers():
            numbers = [int(line) for line in path.read_bytes().split(b"\n")[:-1] if line]
            lines += len(numbers)
            seen.update(numbers)
        return seen, lines - len(seen)


def main() -> None:
    """Both sides, one after the other, on the same seed."""
    results: dict[str, Any] = {"seed": SEED, "messages": MESSAGES}
    folder = Path(tempfile.mkdtemp(prefix="fairqueue-kills-"))
    try:
        for name, scheme in (("fairqueue", "fair+socket"), ("stock", "redis+socket")):
            say(f"{name}: {MESSAGES} messages, {KILLS} consumers and {SERVER_KILLS} servers to kill")
            side = Side(name, scheme, folder / name)
            try:
                results[name] = side.run()
            finally:
                for consumer in side.consumers:
                    consumer.kill()
                side.server.destroy()
            say(f"{name}: {results[name]}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    (RESULTS / "fairqueue_kills.json").write_text(json.dumps(results, indent=2) + "\n")
    if results["fairqueue"]["lost"]:
        sys.exit("fairqueue lost messages")


if __name__ == "__main__":
    main()
