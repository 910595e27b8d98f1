"""How long queues are in Redis, as the stock transport and `fairqueue` keep them: a list per queue and priority."""

from collections.abc import Iterable

import redis
from django.conf import settings
from kombu.transport.redis import PRIORITY_STEPS, Channel

from messaging.settings import resend_up_to
from wildrydes.kernel.redis_urls import client_url

_PRIORITIES = ["", *(f"{Channel.sep}{step}" for step in PRIORITY_STEPS if step)]


def broker_client() -> redis.Redis:
    """A client of the broker for looking, not for sending; every answer is waited for two seconds at most."""
    return redis.Redis.from_url(client_url(settings.REDIS_URL), socket_timeout=2, socket_connect_timeout=2)


def lengths(client: redis.Redis, queues: Iterable[str]) -> dict[str, int]:
    """How many messages wait in each of these queues, priorities together, in one round trip.

    Raises:
        redis.RedisError: when Redis is away.
    """
    names = sorted(set(queues))
    if not names:
        return {}
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            for priority in _PRIORITIES:
                pipe.llen(name + priority)
        found = [int(length) for length in pipe.execute()]
    step = len(_PRIORITIES)
    return {name: sum(found[index * step : (index + 1) * step]) for index, name in enumerate(names)}


class Room:
    """How many messages may still be sent again to each queue in one pass of the sweeper."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._left: dict[str, int] = {}

    def look(self, queues: Iterable[str]) -> None:
        """Ask for the lengths of those queues that this pass has not asked for yet.

        Raises:
            redis.RedisError: when Redis is away.
        """
        unknown = set(queues) - self._left.keys()
        limit = resend_up_to()
        self._left.update({queue: limit - length for queue, length in lengths(self._client, unknown).items()})

    def left(self, queue: str) -> int:
        """How many more may be sent there; negative by how much longer the queue is than the limit."""
        return self._left[queue]

    def take(self, queue: str) -> None:
        """One was sent there."""
        self._left[queue] -= 1

    def grant(self, queue: str, more: int) -> None:
        """Let so many be sent there although the queue is long."""
        self._left[queue] = more
