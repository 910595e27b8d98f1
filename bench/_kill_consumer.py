"""A consumer of the kill harness: writes each message down before it acknowledges, and can be killed at any moment.

`python -m bench._kill_consumer URL LEDGER`: the ledger gets one line per message worked on; what a killed process wrote stays.
"""

import os
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


def main() -> None:
    """Consume until killed."""
    url, path = sys.argv[1:3]
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        try:
            with Connection(url, transport_options=OPTIONS) as connection:
                Consumer(connection, ledger).run()
        except Exception as error:  # noqa: BLE001  # whatever a dying broker makes of the client
            print(f"consumer starts anew: {error!r}", file=sys.stderr)
            time.sleep(0.2)


if __name__ == "__main__":
    main()
