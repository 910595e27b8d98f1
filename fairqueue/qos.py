"""What is in flight at this consumer: taken by the claim script, acknowledged, put back and kept alive by scripts."""

from typing import Any

from kombu.transport import redis as stock
from kombu.transport import virtual

_RESTORE_AT_ONCE = 100


class QoS(stock.QoS):
    """Kombu's bookkeeping of unacknowledged messages, with the queue's own side in scripts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Done, but the server could not be told: their heartbeat would keep them in flight for ever.
        self._owed: set[str] = set()

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message that was taken. A fair one was recorded as in flight by its claim, in the same step."""
        if self.channel.is_fair_tag(delivery_tag):
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Done: out of flight, and its group is charged the worker time that it took."""
        if self.channel.is_fair_tag(delivery_tag):
            self._land(delivery_tag)
        else:
            super().ack(delivery_tag)

    def _land(self, tag: str) -> None:
        tags = [tag, *(other for other in list(self._owed) if other != tag)]
        try:
            self.channel.run_script("ack", "", *tags)
        except (*self.channel.connection_errors, self.channel.ResponseError):
            self._owed.add(tag)
            raise
        for done in tags:
            self._owed.discard(done)
            self._forget(done)

    def _forget(self, tag: str) -> None:
        self.channel.forget_tag(tag)
        virtual.QoS.ack(self, tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Put back behind its group's others, or done with; where dead letters are kept of rejected ones, it becomes one."""
        channel = self.channel
        if not channel.is_fair_tag(delivery_tag):
            super().reject(delivery_tag, requeue=requeue)
        elif requeue:
            channel.restore_fair([delivery_tag], front=False, reason="rejected")
            self._forget(delivery_tag)
        elif channel.fair.fair_dead_letter_rejected:
            channel.restore_fair([delivery_tag], front=False, reason="rejected", limit=1)
            self._forget(delivery_tag)
        else:
            self._land(delivery_tag)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Put a message back: at shutdown as the next of its group."""
        if self.channel.is_fair_tag(tag):
            self.channel.give_back([tag])
        else:
            super().restore_by_tag(tag, client=client, leftmost=leftmost)

    def restore_unacked(self, client: Any = None) -> None:
        """At shutdown: everything held here goes back, in the order in which it came."""
        self._flush()
        mine = [tag for tag in self._delivered if self.channel.is_fair_tag(tag) and tag not in self._owed]
        if mine:
            self.channel.give_back(mine)
        for tag in [*mine, *self._owed]:
            self._delivered.pop(tag, None)
        super().restore_unacked(client=client)

    def restore_visible(self, start: int = 0, num: int | None = 10, interval: int = 10) -> None:
        """Put back what others left, and make the queues' tokens right again."""
        self.channel.look_after(repair=True)
        age = float(self.visibility_timeout)
        while True:
            back, dead, foreign = self.channel.restore_expired(age, _RESTORE_AT_ONCE)
            for tag in foreign:
                super().restore_by_tag(tag)
            if back + dead + len(foreign) < _RESTORE_AT_ONCE:
                return

    def extend(self) -> None:
        """The heartbeat: messages that this process holds stay invisible to others."""
        if self._owed:
            self._land(next(iter(self._owed)))
        tags = [tag for tag in list(self._delivered) if tag not in self._dirty]
        if tags:
            self.channel.run_script("extend", "", *tags)
