"""Consumers of the kill harness: each writes a message down before it acknowledges, and can be killed at any moment.

`python -m bench._kill_consumer URL FOLDER` forks a consumer for each line that it reads, a number, and answers its process id: so
a new one costs no start of an interpreter. Its ledger FOLDER/ledger-NUMBER gets one line per message worked on; what a killed
process wrote stays.
"""

import os
import signal
import sys
import time
from typing import Any

from kombu import Connection, Exchange, Queue
from kombu.mixins import ConsumerMixin

import fairqueue

assert fairqueue  # makes its transport known to kombu
OPTIONS: dict[str, Any] = {
    "visibility_timeout": 5,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "unacked_restore_limit": 1000,
    "socket_timeout": 10,
}
QUEUE = Queue("kills", Exchange("kills"), routing_key="kills")


class Consumer(ConsumerMixin):
    """Takes messages for ever; a broker that is away is waited for."""

    def __init__(self, connection: Connection, ledger: int) -> None:
        self.connection = connection
        self._ledger = ledger

    def get_consumers(self, Consumer: Any, channel: Any) -> list[Any]:  # noqa: N803  # kombu's name
        """One consumer with room for ten messages."""
        return [Consumer([QUEUE], callbacks=[self.on_message], prefetch_count=10)]

    def on_message(self, body: int, message: Any) -> None:
        """Write down, then acknowledge."""
        os.write(self._ledger, b"%d\n" % body)
        message.ack()


def consume(url: str, path: str) -> None:
    """Until killed."""
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        try:
            with Connection(url, transport_options=OPTIONS) as connection:
                Consumer(connection, ledger).run()
        except Exception as error:  # noqa: BLE001  # whatever a dying broker makes of the client
            print(f"consumer starts anew: {error!r}", file=sys.stderr)
            time.sleep(0.2)


def main() -> None:
    """Fork consumers until the harness goes; then end them."""
    url, folder = sys.argv[1:3]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    children = []
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            consume(url, f"{folder}/ledger-{int(line)}")
        children.append(child)
        print(child, flush=True)
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
