"""Consumers as in Amazon's sample: so many at once, each takes a batch, works on it for so long, and acknowledges it.

`python -m bench._fq_batches THREADS BATCH SECONDS`; broker and file as in `_fq_app`, which see for the lines.
"""

import os
import random
import sys
import threading
import time
from typing import Any

from kombu import Connection, Queue

import fairqueue

assert fairqueue  # makes its transport known to kombu
QUEUE = Queue("work")


def take(connection: Connection, batch: int, seconds: float, done: int) -> None:
    """One consumer, for ever: what is there at once makes a batch."""
    held: list[Any] = []
    channel = connection.channel()
    with connection.Consumer([QUEUE], channel=channel, callbacks=[lambda _, message: held.append(message)]) as consumer:
        consumer.qos(prefetch_count=batch)
        time.sleep(random.uniform(0, seconds))
        while True:
            try:
                connection.drain_events(timeout=1)
            except TimeoutError:
                continue
            while len(held) < batch and (message := channel.basic_get(QUEUE.name)):
                held.append(message)
            for message in held:
                group, due, _ = message.payload[0]
                os.write(done, b"%s %d %d\n" % (group.encode(), due, time.time_ns()))
            time.sleep(seconds)
            while held:
                held.pop().ack()


def main() -> None:
    """All of them, until told to end."""
    threads, batch, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    done = os.open(os.environ["FQ_DONE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for _ in range(threads):
        connection = Connection(os.environ["FQ_BROKER"])
        connection.connect()
        threading.Thread(target=take, args=(connection, batch, seconds, done), daemon=True).start()
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main()
