"""What is in flight at this consumer: taken by the claim script, acknowledged, put back and kept alive by scripts."""

from typing import Any

from kombu.transport import redis as stock
from kombu.transport import virtual

_RESTORE_AT_ONCE = 100


class QoS(stock.QoS):
    """Kombu's bookkeeping of unacknowledged messages, with the queue's own side in scripts."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message that was taken. A fair one was recorded as in flight by its claim, in the same step."""
        if self.channel.is_fair_tag(delivery_tag):
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Done: out of flight, and its group is charged the worker time that it took."""
        if self.channel.is_fair_tag(delivery_tag):
            self.channel.run_script("ack", "", delivery_tag)
            self.channel.forget_tag(delivery_tag)
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Put back behind its group's others, or done with; where dead letters are kept of rejected ones, it becomes one."""
        channel = self.channel
        if not channel.is_fair_tag(delivery_tag):
            super().reject(delivery_tag, requeue=requeue)
            return
        if requeue:
            channel.restore_fair([delivery_tag], front=False, reason="rejected")
        elif channel.fair.fair_dead_letter_rejected:
            channel.restore_fair([delivery_tag], front=False, reason="rejected", limit=1)
        else:
            channel.run_script("ack", "", delivery_tag)
        channel.forget_tag(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Put a message back as the next of its group."""
        foreign = self.channel.restore_fair([tag], front=not leftmost, reason="restored")
        for other in foreign:
            super().restore_by_tag(other, client=client, leftmost=leftmost)

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
        tags = [tag for tag in list(self._delivered) if tag not in self._dirty]
        if tags:
            self.channel.run_script("extend", "", *tags)
