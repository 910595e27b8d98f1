"""The poller: besides kombu's, it keeps alive what this process works on and looks after the queues."""

import time
from typing import Any

from kombu.transport import redis as stock


class Poller(stock.MultiChannelPoller):
    """Called by the event loop's timer, or before each poll where there is no event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.heartbeat_timer: Any = None
        self._beat_at = self._restored_at = float("-inf")

    def get(self, callback: Any, timeout: float | None = None) -> None:
        """As kombu's, but a consumer that is always busy looks after the queues as well."""
        self.maybe_restore_messages()
        super().get(callback, timeout=timeout)

    def maybe_restore_messages(self) -> None:
        """Put back what others left, no more often than `unacked_restore_interval` says: kombu's throttle counts calls."""
        self.maybe_beat()
        channel = next((channel for channel in self._channels if channel.active_queues), None)
        now = time.monotonic()
        if channel is None or now - self._restored_at < channel.unacked_restore_interval * 0.9:
            return
        self._restored_at = now
        super().maybe_restore_messages()

    def maybe_beat(self) -> None:
        """The heartbeat: three times within the visibility timeout, messages that are worked on here stay invisible."""
        now = time.monotonic()
        timeout = min((float(channel.visibility_timeout) for channel in self._channels), default=None)
        if timeout is None or now - self._beat_at < timeout / 3:
            return
        if self._beat():
            self._beat_at = now

    def _beat(self) -> bool:
        for channel in list(self._channels):
            try:
                channel.qos.extend()
            except (*channel.connection_errors, channel.ResponseError):
                stock.logger.debug("fairqueue: no heartbeat, will try again", exc_info=True)
                return False
        return True
