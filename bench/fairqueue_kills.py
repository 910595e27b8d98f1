"""`make bench-fairqueue_kills`: consumers and servers killed under load, fairqueue beside the stock transport, with a ledger.

MESSAGES (500,000), KILLS (200 of consumers per side), SERVER_KILLS (8 per side, append-only file on) and SEED say how much. Every
message is written down when its sending was answered, and again by each consumer that worked on it; what is in the first
ledger and not in the second was lost. Results go to bench/results/fairqueue_kills.json.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis
from kombu import Connection

from bench._kill_consumer import OPTIONS, QUEUE
from bench._kill_ledgers import Ledgers
from bench._servers import RESULTS, ROOT, end_in_order, say
from wildrydes.embedded import EmbeddedValkey

MESSAGES = int(os.environ.get("MESSAGES", "500000"))
KILLS = int(os.environ.get("KILLS", "200"))
SERVER_KILLS = int(os.environ.get("SERVER_KILLS", "8"))
SEED = int(os.environ.get("SEED", "1"))
CONSUMERS = 4
BATCH = 500
GROUPS = 50
BACKLOG = 20_000
QUIET_SECONDS = 45.0
PROGRESS_SECONDS = 10.0


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
        self.ledgers = Ledgers(folder, MESSAGES)
        self.sent = self.starts = 0
        self.consumers: list[int] = []
        self.killed = {"consumers": 0, "servers": 0}
        with (folder / "consumers.log").open("ab") as log:
            command = [sys.executable, "-m", "bench._kill_consumer", self.url, str(folder)]
            self.nursery = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def start_consumer(self) -> None:
        """One more, with a ledger of its own."""
        if self.nursery.stdin is None or self.nursery.stdout is None:
            raise RuntimeError("The nursery has no pipes.")
        self.starts += 1
        self.nursery.stdin.write(f"{self.starts}\n")
        self.nursery.stdin.flush()
        self.consumers.append(int(self.nursery.stdout.readline()))

    def close(self) -> None:
        """End everything of this side."""
        if self.nursery.stdin is not None:
            self.nursery.stdin.close()
        self.nursery.wait()
        self.server.destroy()

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
            while self.sent - self.ledgers.done > BACKLOG and self.sent < MESSAGES:
                time.sleep(0.05)

    def kill_until(self, over: threading.Event) -> None:
        """Kill consumers and the server, spread over the time that the messages take."""
        plan = ["consumers"] * KILLS + ["servers"] * SERVER_KILLS
        self.random.shuffle(plan)
        for number, kind in enumerate(plan):
            while self.ledgers.done < MESSAGES * number / (len(plan) + 2):
                if over.wait(0.05):
                    return
            self._kill(kind)

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
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            self.start_consumer()

    def run(self) -> dict[str, Any]:
        """From the first message until nothing comes any more; answers the figures."""
        began = time.monotonic()
        for _ in range(CONSUMERS):
            self.start_consumer()
        over = threading.Event()
        helpers = [
            threading.Thread(target=self.kill_until, args=(over,)),
            threading.Thread(target=self.publish, daemon=True),
        ]
        for helper in helpers:
            helper.start()
        told = began
        lines, changed = -1, time.monotonic()
        while self.ledgers.done < MESSAGES and time.monotonic() - changed < QUIET_SECONDS:
            time.sleep(0.2)
            now = self.ledgers.read()
            if now != lines or helpers[1].is_alive():
                lines, changed = now, time.monotonic()
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                self._tell(told - began)
        over.set()
        helpers[0].join()
        self.ledgers.read()
        return {
            "sent": self.sent,
            "lost": MESSAGES - self.ledgers.done,
            "worked_on_again": self.ledgers.copies,
            "left_in_queue": redis.Redis.from_url(self.server.client_url).llen(QUEUE.name),
            "consumers_killed": self.killed["consumers"],
            "servers_killed": self.killed["servers"],
            "seconds": round(changed - began, 1),
        }

    def _tell(self, seconds: float) -> None:
        done = self.ledgers.done
        left = seconds / max(1, done) * (MESSAGES - done)
        say(
            f"  {self.name}: {self.sent} sent, {done} done, {self.ledgers.copies} copies, {self.killed} killed, "
            f"{seconds:.0f} s, {left:.0f} s to go"
        )


def main() -> None:
    """Both sides, one after the other, on the same seed."""
    end_in_order()
    results: dict[str, Any] = {"seed": SEED, "messages": MESSAGES}
    folder = Path(tempfile.mkdtemp(prefix="fairqueue-kills-"))
    try:
        for name, scheme in (("fairqueue", "fair+socket"), ("stock", "redis+socket")):
            say(f"{name}: {MESSAGES} messages, {KILLS} consumers and {SERVER_KILLS} servers to kill")
            side = Side(name, scheme, folder / name)
            try:
                results[name] = side.run()
            finally:
                side.close()
            say(f"{name}: {results[name]}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    (RESULTS / "fairqueue_kills.json").write_text(json.dumps(results, indent=2) + "\n")
    if results["fairqueue"]["lost"]:
        sys.exit("fairqueue lost messages")


if __name__ == "__main__":
    main()
