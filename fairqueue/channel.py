"""The channel: kombu's Redis channel, whose queues hand out tokens while scripts decide whose message a token is worth."""

from fnmatch import fnmatchcase
from queue import Empty
from typing import Any
from uuid import uuid4

import redis
from kombu.transport import redis as stock
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import dumps, loads

from fairqueue.eta import due_at_ms
from fairqueue.options import Options
from fairqueue.publishing import PublishBatch
from fairqueue.qos import QoS
from fairqueue.scripts import Scripts
from fairqueue.servers import require_supported


class FairChannel(stock.Channel):
    """Everything else, such as fanout, remote control and connections, is the parent's."""

    QoS = QoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._no_ack_queues: set[str] = set()
        self._fair_tags: set[str] = set()
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
        return queue not in self._fanout_queues and not any(
            fnmatchcase(queue, pattern) for pattern in self.fair.fair_plain_queues
        )

    def is_fair_tag(self, tag: str) -> bool:
        """Whether a message in flight was taken by a claim of this channel."""
        return tag in self._fair_tags

    def forget_tag(self, tag: str) -> None:
        """The message is not in flight here any more."""
        self._fair_tags.discard(tag)

    def _group_of(self, message: dict[str, Any]) -> str:
        group = message["properties"].get("MessageGroupId")
        if group is None and self.fair.fair_group_header:
            group = (message.get("headers") or {}).get(self.fair.fair_group_header)
        # Newlines separate the parts of a record; "~" begins the names of messages without a group.
        return (
            ""
            if group is None
            else str(group).replace("\n", " ").replace("~", "-", 1)[:200].encode(errors="replace").decode()
        )

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

    def _run_on_brpop_socket(self, name: str, queue: str, *arguments: Any) -> Any:
        """Run a script on the socket that the token came from: one that breaks in between takes no message along."""
        connection = self.client.connection

        def execute(*command: Any) -> Any:
            connection.send_command(*command)
            return connection.read_response()

        return self._scripts.run(execute, name, queue, *arguments)

    # Publishing

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        """Add a message to its group; with an ETA it is held in Redis until then."""
        if not self.is_fair(queue):
            super()._put(queue, message, **kwargs)
            return
        properties = message["properties"]
        tag = properties["delivery_tag"]
        if tag == self._last_put:
            # The same message in a second queue is another message: each is acknowledged by itself.
            tag = str(uuid4())
            message = {**message, "properties": {**properties, "delivery_tag": tag}}
        self._last_put = properties["delivery_tag"]
        info = properties["delivery_info"]
        arguments = (
            self.priority(self._get_message_priority(message, reverse=False)),
            self._group_of(message),
            tag,
            due_at_ms(message),
            str(properties.get("MessageDeduplicationId") or "").replace("\n", " ")[:200],
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

    # Consuming

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        """Consume, remembering whether anybody will acknowledge."""
        (self._no_ack_queues.add if no_ack else self._no_ack_queues.discard)(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def _brpop_read(self, **options: Any) -> bool:
        """Take the token that BRPOP brought, and for it the message of the group whose turn it is."""
        connection = self.client.connection
        try:
            try:
                reply = self.client.parse_response(connection, "BRPOP", **options)
                taken, queue = self._exchange(reply)
            except self.connection_errors:
                connection.disconnect()
                raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        if not taken:
            raise Empty
        for message in taken:
            self.connection._deliver(message, queue)  # noqa: SLF001  # kombu's way to hand a message over
        return True

    def _exchange(self, reply: Any) -> tuple[list[dict[str, Any]], str]:
        """Messages for a token; nothing came: let messages whose time has come in."""
        if not reply:
            queues = [queue for queue in self.active_queues if self.is_fair(queue)]
            if queues and not self._closing:
                self._run_on_brpop_socket("tick", queues[0], 0, *queues)
            return [], ""
        key, item = reply
        queue, _, pri = bytes_to_str(key).partition(self.sep)
        self._queue_cycle.rotate(queue)
        if not self.is_fair(queue):
            return [loads(bytes_to_str(item))], queue
        no_ack = int(queue in self._no_ack_queues)
        found = self._run_on_brpop_socket("claim", queue, pri or 0, self._room(), no_ack, 0)
        return [self._opened(message, no_ack=bool(no_ack)) for message in found], queue

    def _room(self) -> int:
        estimate = self.qos.can_consume_max_estimate()
        return 1 if estimate is None else max(1, min(estimate, self.fair.fair_claim_batch))

    def _opened(self, found: list[Any], *, no_ack: bool) -> dict[str, Any]:
        payload, deliveries, _ = found
        message: dict[str, Any] = loads(bytes_to_str(payload))
        if deliveries:
            message["properties"].setdefault("delivery_info", {})["redelivered"] = True
            message["headers"] = {**(message.get("headers") or {}), "redelivered": True}
            message["properties"]["x-delivery-count"] = deliveries
        if not no_ack:
            self._fair_tags.add(message["properties"]["delivery_tag"])
        return message

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        """Take one message now, or None."""
        if not self.is_fair(queue):
            return super().basic_get(queue, no_ack=no_ack, **kwargs)
        message = self._claim_now(queue, no_ack=no_ack)
        if message is None:
            return None
        wrapped = self.Message(message, channel=self)
        if not no_ack:
            self.qos.append(wrapped, wrapped.delivery_tag)
        return wrapped

    def _claim_now(self, queue: str, *, no_ack: bool) -> dict[str, Any] | None:
        for step in self.priority_steps:
            found = self.run_script("claim", queue, step, 1, int(no_ack), 1)
            if found:
                return self._opened(found[0], no_ack=no_ack)
        return None

    def _get(self, queue: str) -> Any:
        if not self.is_fair(queue):
            return super()._get(queue)
        message = self._claim_now(queue, no_ack=False)
        if message is None:
            raise Empty
        return message

    # Putting back and looking after

    def _restore(self, message: Any, leftmost: bool = False) -> None:
        tag = message.delivery_tag
        if not self.is_fair_tag(tag):
            super()._restore(message, leftmost=leftmost)
            return
        self.restore_fair([tag], front=True, reason="restored", limit=0)
        self.forget_tag(tag)

    def restore_fair(self, tags: list[str], *, front: bool, reason: str, limit: int | None = None) -> list[str]:
        """Put these back; answers those that are not this transport's. `limit` is the redelivery limit unless given."""
        most = self.fair.fair_redelivery_limit if limit is None else limit
        _, _, foreign = self.run_script("restore", "", int(front), most, reason, 0, 0, *tags)
        return [bytes_to_str(tag) for tag in foreign]

    def restore_expired(self, age: float, most: int) -> tuple[int, int, list[str]]:
        """Put back what has been in flight for `age` seconds without a sign of life, at most so many at once."""
        limit = self.fair.fair_redelivery_limit
        back, dead, foreign = self.run_script("restore", "", 1, limit, "its consumer died", age, most)
        return back, dead, [bytes_to_str(tag) for tag in foreign]

    def look_after(self, *, repair: bool) -> None:
        """Let messages whose time has come in, and make the number of tokens right, for the queues consumed here."""
        queues = [queue for queue in self.active_queues if self.is_fair(queue)]
        if queues:
            self.run_script("tick", queues[0], int(repair), *queues)

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
