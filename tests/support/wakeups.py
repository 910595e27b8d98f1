"""What waits at the broker, whichever transport carries it; and letting something wait, or be taken."""

import json
import uuid
from importlib.resources import files
from typing import Any

import redis
from celery import current_app
from django.conf import settings

from fairqueue.options import Options
from fairqueue.records import Element
from fairqueue.scripts import Scripts
from messaging.depths import lengths
from messaging.settings import is_fair
from wildrydes.kernel.redis_urls import client_url

_FILL = """
for i = 1, tonumber(ARGV[FIRST + 1]) do
  enqueue('0', ARGV[FIRST], pack_element('t' .. i, string.format('%.0f', now), 0, 0, 0, '', '["","q"]', ARGV[FIRST + 2]), false)
end
return 1
"""
_NOBODYS = {
    "body": "",
    "headers": {},
    "properties": {"delivery_tag": "t", "delivery_info": {}, "body_encoding": "base64"},
}


class Wakeups:
    """The queues of the broker that the settings name.

    Attributes:
        client: for what a test does to the server itself.
    """

    def __init__(self) -> None:
        self.client = redis.Redis.from_url(client_url(settings.REDIS_URL))

    def waiting(self, queue: str) -> int:
        """How many wait there."""
        return lengths(self.client, [queue])[queue]

    def fill(self, queue: str, count: int, *, group: object) -> None:
        """Let so many wait there that nobody of ours sent."""
        if not is_fair():
            self.client.lpush(queue, *[json.dumps(_NOBODYS)] * count)
            return
        # As the transport's own publish script does, without sending each by itself.
        common = (files("fairqueue") / "lua" / "common.lua").read_text()
        _, _, *rest = Scripts(Options(), priority_steps=[0]).command(
            "publish", queue, str(group), count, json.dumps(_NOBODYS)
        )
        self.client.execute_command("EVAL", common + _FILL, *rest)

    def take(self, queue: str, count: int) -> None:
        """Take so many away, as workers do."""
        with current_app.connection_for_read() as connection:
            for _ in range(count):
                connection.default_channel.basic_get(queue, no_ack=True)

    def lose(self, queue: str) -> None:
        """Let the broker lose the queue."""
        for key in (queue, *self.client.scan_iter(f"fairqueue:{queue}:*", count=1000)):
            self.client.delete(key)

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Those that wait there, in the order of being sent (of one tenant)."""
        if not is_fair():
            return [json.loads(raw) for raw in reversed(self.client.lrange(queue, 0, -1))]
        groups = [group.decode() for group in self.client.hkeys(f"fairqueue:{queue}:waiting")]
        return [
            json.loads(Element.read(raw).payload)
            for group in sorted(groups)
            for raw in reversed(self.client.lrange(f"fairqueue:{queue}:m:0:{group}", 0, -1))
        ]

    def sent(self, queue: str) -> list[uuid.UUID]:
        """The deliveries whose wake-ups wait there."""
        told = [message["headers"]["argsrepr"] for message in self.messages(queue) if message.get("headers")]
        return [uuid.UUID(words.split("'")[1]) for words in told]
