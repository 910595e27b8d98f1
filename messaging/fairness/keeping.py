"""Keeps fairqueue's limits as tiers and staff say: the sweeper looks every two seconds, and after Redis has lost them.

PostgreSQL is the truth here too; a limit that was set by hand at the broker does not stay.
"""

import hashlib
import time
from collections.abc import Mapping

import redis
import structlog

from fairqueue import FairQueue, Limits
from fairqueue.queues import queues
from messaging.fairness.wishes import Wish, wishes
from messaging.settings import is_fair

_log = structlog.get_logger(__name__)
_EVERY_SECONDS = 2.0
# What Redis lost in part, or somebody changed by hand.
_COMPARE_SECONDS = 60.0
# What was told last, as a digest: gone with the limits when Redis is emptied.
_KEY = "wildrydes:limits"


class LimitsKeeper:
    """Tells a broker what has changed."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._next = self._compare_at = float("-inf")

    def keep(self, *, at_once: bool = False) -> int:
        """Bring the broker's limits in line, if it is time or `at_once`; answers how many were changed.

        Raises:
            redis.RedisError: when Redis is away.
        """
        now = time.monotonic()
        if not is_fair() or (now < self._next and not at_once):
            return 0
        self._next = now + _EVERY_SECONDS
        wanted = wishes()
        digest = _digest(wanted)
        if self._client.get(_KEY) == digest and now < self._compare_at:
            return 0
        changed = self._bring_in_line(wanted)
        self._client.set(_KEY, digest)
        self._compare_at = now + _COMPARE_SECONDS
        if changed:
            _log.info("limits.changed", groups=changed)
        return changed

    def _bring_in_line(self, wanted: Mapping[str, Wish]) -> int:
        changed = 0
        for name in sorted({*wanted, *queues(self._client)}):
            queue, wish = FairQueue(name, self._client), wanted.get(name, Wish())
            told = queue.all_limits()
            if told.each != wish.each:
                queue.set_caps(each=wish.each)
                changed += 1
            others = {
                group: wish.groups.get(group, Limits())
                for group in {*told.groups, *wish.groups}
                if told.groups.get(group, Limits()) != wish.groups.get(group, Limits())
            }
            queue.set_many(others)
            changed += len(others)
        return changed


def _digest(wanted: Mapping[str, Wish]) -> bytes:
    words = repr(sorted((name, wish.each, sorted(wish.groups.items(), key=str)) for name, wish in wanted.items()))
    return hashlib.sha256(words.encode()).hexdigest().encode()
