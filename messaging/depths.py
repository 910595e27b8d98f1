"""How long queues are at the broker, and how much more may be sent again to each lane.

A *lane* is what one flood fills: a tenant's part of a queue on fairqueue, where nobody stands behind another tenant's backlog;
the whole queue on the stock transport, where everybody does.
"""

from collections.abc import Iterable

import redis
from django.conf import settings

from fairqueue.queues import waiting
from messaging.settings import is_fair, resend_up_to
from wildrydes.kernel.redis_urls import client_url

_SEPARATOR = "|"


def broker_client() -> redis.Redis:
    """A client of the broker for looking, not for sending; every answer is waited for two seconds at most."""
    return redis.Redis.from_url(client_url(settings.REDIS_URL), socket_timeout=2, socket_connect_timeout=2)


def lane_of(queue: str, group: str) -> str:
    """The lane in which a group's messages of this queue wait."""
    return f"{queue}{_SEPARATOR}{group}" if is_fair() else queue


def lengths(client: redis.Redis, lanes: Iterable[str]) -> dict[str, int]:
    """How many messages wait in each of these lanes or queues, in one round trip.

    Raises:
        redis.RedisError: when Redis is away.
    """
    names = sorted(set(lanes))
    if not names:
        return {}
    # A lane of the other transport may still be known from before it was changed.
    places = [(queue, group or None) for queue, _, group in (name.partition(_SEPARATOR) for name in names)]
    found = waiting(client, places) if is_fair() else _list_lengths(client, [queue for queue, _ in places])
    return dict(zip(names, found, strict=True))


def _list_lengths(client: redis.Redis, queues: list[str]) -> list[int]:
    with client.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.llen(queue)
        return [int(length) for length in pipe.execute()]


class Room:
    """How many messages may still be sent again to each lane in one pass of the sweeper."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._left: dict[str, int] = {}

    def look(self, lanes: Iterable[str]) -> None:
        """Ask for the lengths of those lanes that this pass has not asked for yet.

        Raises:
            redis.RedisError: when Redis is away.
        """
        unknown = set(lanes) - self._left.keys()
        limit = resend_up_to()
        self._left.update({lane: limit - length for lane, length in lengths(self._client, unknown).items()})

    def left(self, lane: str) -> int:
        """How many more may be sent there; negative by how much longer the lane is than the limit."""
        return self._left[lane]

    def take(self, lane: str) -> None:
        """One was sent there."""
        self._left[lane] -= 1

    def grant(self, lane: str, more: int) -> None:
        """Let so many be sent there although the lane is long."""
        self._left[lane] = more
