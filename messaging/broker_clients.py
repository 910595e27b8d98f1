"""One client per channel of Redis: kombu makes a new one for each batch, each message taken and each one acknowledged.

A client is only a view of the channel's pool of connections, but making one costs more than what it is then used for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import bootsteps


def keep_client(channel: Any) -> None:
    """Let the channel make its client once for each pool of connections that it has; other transports' are left alone."""
    if not hasattr(channel, "conn_or_acquire"):
        return
    make = channel.conn_or_acquire
    kept: Any = None

    @contextmanager
    def acquire(client: Any = None) -> Iterator[Any]:
        nonlocal kept
        if client is None:
            client = kept
            # After a fork the channel has another pool.
            if client is None or client.connection_pool is not channel.pool:
                with make() as client:
                    kept = client
        yield client

    channel.conn_or_acquire = acquire


class KeepClient(bootsteps.StartStopStep):
    """Does so in a worker, for each connection that it makes."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        """Runs when the worker has connected, for the first time or again."""
        keep_client(parent.task_consumer.channel)
