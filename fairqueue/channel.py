"""The channel: kombu's Redis channel, whose queues hand out tokens while scripts decide whose message a token is worth."""

from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

import redis
from kombu.utils.json import dumps

from fairqueue.eta import due_at_ms
from fairqueue.names import dedup_id, group_name
from fairqueue.options import Options
from fairqueue.publishing import PublishBatch
from fairqueue.qos import QoS
from fairqueue.scripts import Scripts
from fairqueue.servers import require_supported
from fairqueue.taking import TakingChannel


class FairChannel(TakingChannel):
    """The publishing half, and what both need. Fanout, remote control and connections are the parent's."""

    QoS = QoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._no_ack_queues: set[str] = set()
        self._fair_queues: dict[str, bool] = {}
        self._last_put = ""
        super().__init__(*args, **kwargs)
        self.fair = Options.of(self.connection.client.transport_options)
        self._scripts = Scripts(
            self.fair,
            prefix=self.global_keyprefix,
            sep=self.sep,
            priority_steps=self.priority_steps,
            unacked_key=self.unacked_key,
            unacked_index_key=self.unacked_index_key,
        )
        self._raw: redis.Redis | None = None
        require_supported(self.raw_client(), self.connection)

    # Which queues, which messages

    def is_fair(self, queue: str) -> bool:
        """Whether this transport serves the queue by groups; the others are the parent's."""
        known = self._fair_queues.get(queue)
        if known is None:
            # Newlines separate the parts of a record.
            known = "\n" not in queue and not any(fnmatchcase(queue, name) for name in self.fair.fair_plain_queues)
            self._fair_queues[queue] = known
        return known and queue not in self._fanout_queues

    def _group_of(self, message: dict[str, Any]) -> str:
        group = message["properties"].get("MessageGroupId")
        if group is None and self.fair.fair_group_header:
            group = (message.get("headers") or {}).get(self.fair.fair_group_header)
        return group_name(group)

    # Scripts

    def raw_client(self) -> redis.Redis:
        """A client of the channel's pool that leaves keys as they are: the scripts prefix by themselves."""
        # A fork drops the pool, and with it the client.
        if self._raw is None or self._raw.connection_pool is not self.pool:
            self._raw = redis.Redis(connection_pool=self.pool)
        return self._raw

    def run_script(self, name: str, queue: str, *arguments: Any) -> Any:
        """Run a script on a connection of the pool."""
        return self._scripts.run(self.raw_client().execute_command, name, queue, *arguments)

    # Publishing

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        """Add a message to its group; with an ETA it is held in Redis until then."""
        properties = message["properties"]
        tag = properties["delivery_tag"]
        if tag == self._last_put:
            # The same message in a second queue is another message: each is acknowledged by itself.
            message = {**message, "properties": {**properties, "delivery_tag": str(uuid4())}}
            properties = message["properties"]
        self._last_put = tag
        if not self.is_fair(queue):
            super()._put(queue, message, **kwargs)
            return
        info = properties["delivery_info"]
        arguments = (
            self.priority(self._get_message_priority(message, reverse=False)),
            self._group_of(message),
            properties["delivery_tag"],
            due_at_ms(message),
            dedup_id(properties.get("MessageDeduplicationId")),
            dumps([info.get("exchange"), info.get("routing_key")]),
            dumps(message),
            self._expires.get(queue, 0),
        )
        batch = kwargs.get("_publish_batch")
        if batch is None:
            self.run_script("publish", queue, *arguments)
        else:
            batch.add(
                "execute_command", *self._for_prefixing_client(self._scripts.command("publish", queue, *arguments))
            )

    def _for_prefixing_client(self, command: list[Any]) -> list[Any]:
        """Kombu's prefixing client prefixes the first key of an `EVALSHA`, which is prefixed already."""
        prefix = self.global_keyprefix
        return [*command[:3], command[3][len(prefix) :], *command[4:]] if prefix else command

    def create_publish_batch(self, max_size: int) -> Any:
        """A batch of kombu's that sends the script when the server has forgotten it."""
        return PublishBatch(self, max_size)

    # Sizes, purge, delete

    def _size(self, queue: str) -> int:
        if not self.is_fair(queue):
            size: int = super()._size(queue)
            return size
        waiting = self.raw_client().hget(f"{self.global_keyprefix}fairqueue:{queue}:state", "waiting")
        return int(waiting or 0)

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        known = self.is_fair(queue) and self.raw_client().exists(f"{self.global_keyprefix}fairqueue:{queue}:waiting")
        return bool(known) or bool(super()._has_queue(queue, **kwargs))

    def _purge(self, queue: str) -> int:
        if not self.is_fair(queue):
            purged: int = super()._purge(queue)
            return purged
        return int(self.run_script("purge", queue, "", 0))

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        if self.is_fair(queue):
            self.run_script("purge", queue, "", 1)
        super()._delete(queue, *args, **kwargs)
