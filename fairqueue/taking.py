"""Taking messages: a token comes by BRPOP, and a script on the same socket says whose message it is worth."""

import time
from queue import Empty
from typing import Any

from kombu.transport import redis as stock
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads

from fairqueue.options import Options
from fairqueue.scripts import Scripts

# How often messages whose time has come are let in while other queues keep the consumer busy.
_TICK_SECONDS = 1.0


class TakingChannel(stock.Channel):
    """The consuming half of the channel."""

    fair: Options
    _scripts: Scripts
    _no_ack_queues: set[str]
    _ticked_at = float("-inf")

    def is_fair(self, queue: str) -> bool:
        """Whether this transport serves the queue by groups; the others are the parent's."""
        raise NotImplementedError

    def run_script(self, name: str, queue: str, *arguments: Any) -> Any:
        """Run a script on a connection of the pool."""
        raise NotImplementedError

    def _on_brpop_socket(self, *command: Any) -> Any:
        connection = self.client.connection
        connection.send_command(*command)
        return connection.read_response()

    def _run_on_brpop_socket(self, name: str, queue: str, *arguments: Any) -> Any:
        """Run a script on the socket that the token came from: one that breaks in between takes no message along."""
        return self._scripts.run(self._on_brpop_socket, name, queue, *arguments)

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        """Consume, remembering whether anybody will acknowledge."""
        (self._no_ack_queues.add if no_ack else self._no_ack_queues.discard)(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def _brpop_read(self, **options: Any) -> bool:
        """Take the token that BRPOP brought, and for it the messages of the groups whose turn it is."""
        connection = self.client.connection
        try:
            try:
                reply = self.client.parse_response(connection, "BRPOP", **options)
                taken, queue = self._exchange(reply) if reply else ([], "")
                self._tick(now=not reply)
            except self.connection_errors:
                connection.disconnect()
                raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        if not taken:
            raise Empty
        self._hand_over(taken, queue)
        return True

    def _hand_over(self, taken: list[dict[str, Any]], queue: str) -> None:
        """Deliver messages; if a callback fails, those behind it go back at once, not after the visibility timeout."""
        for place, message in enumerate(taken):
            try:
                self.connection._deliver(message, queue)  # noqa: SLF001  # kombu's way to hand a message over
            except BaseException:
                tags = [other["properties"]["delivery_tag"] for other in taken[place + 1 :]]
                mine = [tag for tag in tags if self.is_fair_tag(tag)]
                if mine:
                    self.give_back(mine)
                raise

    def _exchange(self, reply: Any) -> tuple[list[dict[str, Any]], str]:
        """Messages for a token; none where nobody consumes any more: then the token goes back."""
        key, item = reply
        queue, _, pri = bytes_to_str(key).partition(self.sep)
        self._queue_cycle.rotate(queue)
        # What a sender with kombu's own transport put there is a message, and no token.
        if not self.is_fair(queue) or bytes_to_str(item) != "t":
            return [loads(bytes_to_str(item))], queue
        if self._closing or queue not in self._active_queues:
            self._on_brpop_socket("RPUSH", self.global_keyprefix + bytes_to_str(key), item)
            return [], queue
        no_ack = queue in self._no_ack_queues
        found = self._run_on_brpop_socket("claim", queue, pri or 0, self._room(), int(no_ack), 0)
        return [self._opened(message, no_ack=no_ack) for message in found], queue

    def _tick(self, *, now: bool) -> None:
        """Let messages whose time has come in: at once when nothing came, now and then when others come all the time."""
        moment = time.monotonic()
        if self._closing or not (now or moment - self._ticked_at >= _TICK_SECONDS):
            return
        self._ticked_at = moment
        queues = [queue for queue in self.active_queues if self.is_fair(queue)]
        if queues:
            self._run_on_brpop_socket("tick", queues[0], 0, *queues)

    def _room(self) -> int:
        # Celery's worker_disable_prefetch replaces `can_consume`, which answers for one message only; and who sets no limit
        # expects one message for each call of `drain_events`, as from kombu's own transport.
        estimate: int | None = self.qos.can_consume_max_estimate()
        if estimate is None or "can_consume" in vars(self.qos):
            return 1
        return max(1, min(estimate, self.fair.fair_claim_batch))

    def _opened(self, found: list[Any], *, no_ack: bool) -> dict[str, Any]:
        payload, deliveries, _ = found
        message: dict[str, Any] = loads(bytes_to_str(payload))
        if deliveries:
            message["properties"].setdefault("delivery_info", {})["redelivered"] = True
            message["headers"] = {**(message.get("headers") or {}), "redelivered": True}
            message["properties"]["x-delivery-count"] = deliveries
        if not no_ack:
            self.connection.fair_tags.add(message["properties"]["delivery_tag"])
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

    def is_fair_tag(self, tag: str) -> bool:
        """Whether a message in flight was taken by a claim of this connection."""
        return tag in self.connection.fair_tags

    def forget_tag(self, tag: str) -> None:
        """The message is not in flight here any more."""
        self.connection.fair_tags.discard(tag)

    def _restore(self, message: Any, leftmost: bool = False) -> None:
        if self.is_fair_tag(message.delivery_tag):
            self.give_back([message.delivery_tag])
        else:
            super()._restore(message, leftmost=leftmost)

    def give_back(self, tags: list[str]) -> None:
        """Put messages that nobody here works on back as the next of their groups, in this order; it counts as no delivery."""
        self.restore_fair(tags[::-1], front=True, reason="given back", limit=-1)
        for tag in tags:
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
