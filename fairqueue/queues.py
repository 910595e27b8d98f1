"""A queue from outside: its limits, its groups, its dead letters, and why a message waited."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import redis

from fairqueue.errors import InvalidLimit
from fairqueue.limits import Limits, QueueLimits
from fairqueue.names import group_name
from fairqueue.options import Options
from fairqueue.reading import Reader
from fairqueue.records import Element
from fairqueue.scripts import Scripts, source
from fairqueue.views import DeadLetter, GroupView, Position, QueueView, Why

_AT_ONCE = 1000


class FairQueue:
    """One queue of a broker. Everything may be called while workers run, and takes effect on the backlog that is there."""

    def __init__(
        self,
        name: str,
        client: redis.Redis,
        *,
        global_keyprefix: str = "",
        priority_steps: Sequence[int] = (0, 3, 6, 9),
        options: Options | None = None,
    ) -> None:
        """`global_keyprefix`, `priority_steps` and `options` are those of the transport."""
        self.name = name
        self._client: Any = client
        self._scripts = Scripts(options or Options(), prefix=global_keyprefix, priority_steps=priority_steps)
        self._reader = Reader(client, self._scripts, name)

    @classmethod
    def of_url(cls, name: str, url: str, **options: Any) -> Self:
        """With a client of its own: `redis://`, `rediss://` or `unix://`."""
        return cls(name, redis.Redis.from_url(url), **options)

    def _run(self, script: str, *arguments: Any) -> Any:
        return self._scripts.run(self._client.execute_command, script, self.name, *arguments)

    @staticmethod
    def _named(group: str) -> str:
        name = group_name(group)
        if not name:
            raise InvalidLimit("Messages without a group share no limits: name a group.")
        return name

    # Limits

    def set_limits(self, group: str, limits: Limits) -> None:
        """Give a group a weight, a cap, or a pause.

        Raises:
            InvalidLimit: for a group without a name.
        """
        self._run("configure", *_configured(self._named(group), limits))

    def limits(self, group: str) -> Limits:
        """What a group was given."""
        return self._reader.limits(group_name(group))

    def pause(self, group: str) -> None:
        """Take none of the group's messages until it is resumed; those in flight are finished."""
        self._run("configure", self._named(group), "pause", "1")

    def resume(self, group: str) -> None:
        """Take the group's messages again."""
        self._run("configure", self._named(group), "pause", "")

    def set_caps(self, *, each: int | None = None, total: int | None = None) -> None:
        """How many messages of each group without a cap of its own, and of all, may be in flight at once; None: no such cap.

        Raises:
            InvalidLimit: below 1.
        """
        if any(cap is not None and cap < 1 for cap in (each, total)):
            raise InvalidLimit("A cap is at least 1; to stop groups, pause them.")
        self._run("configure", "", "cap", "" if each is None else each, "total", "" if total is None else total)

    def all_limits(self) -> QueueLimits:
        """Every limit that was given."""
        return self._reader.all_limits()

    def set_many(self, limits: Mapping[str, Limits]) -> None:
        """`set_limits` for many groups at once, a thousand in a round trip."""
        commands = [
            self._scripts.command("configure", self.name, *_configured(self._named(group), given))
            for group, given in limits.items()
        ]
        for start in range(0, len(commands), _AT_ONCE):
            self._client.script_load(source("configure"))
            with self._client.pipeline(transaction=False) as pipe:
                for command in commands[start : start + _AT_ONCE]:
                    pipe.execute_command(*command)
                pipe.execute()

    # Looking

    def view(self) -> QueueView:
        """The queue as a whole."""
        return self._reader.queue()

    def groups(self) -> list[GroupView]:
        """Every group with messages waiting or in flight, the largest backlog first."""
        return self._reader.groups()

    def position(self, group: str) -> Position:
        """Where a message of this group would stand if it were sent now."""
        return self.positions([group])[group]

    def positions(self, groups: Sequence[str]) -> dict[str, Position]:
        """The same for several groups, with one look at the queue."""
        found = self._reader.positions([group_name(group) for group in groups])
        return {group: found[group_name(group)] for group in groups}

    def why(self, tag: str) -> Why:
        """Why a message waits, or waited: by its delivery tag, its task id or its deduplication id (or that up to a colon).

        One that was taken is known by its tag and its deduplication id, for as long as it is among the last thousand.
        """
        return self._reader.why(tag)

    # Dead letters and backlog

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """The oldest dead letters."""
        letters = []
        for raw in reversed(self._client.lrange(self._reader.key("dead"), -limit, -1)):
            at, reason, _, group, element = raw.decode().split("\n", 4)
            message = Element.read(element.encode())
            died = datetime.fromtimestamp(float(at) / 1000, tz=UTC)
            letters.append(
                DeadLetter(
                    tag=message.tag,
                    group=group,
                    died_at=died,
                    reason=reason,
                    deliveries=message.deliveries,
                    payload=message.payload,
                )
            )
        return letters

    def redrive(self, limit: int = 1000, *, group: str = "") -> int:
        """Send dead letters again, the oldest first; answers how many."""
        return int(self._run("redrive", limit, group_name(group)))

    def purge(self, group: str = "") -> int:
        """Remove what waits, of one group or of all; answers how many. What is in flight stays in flight."""
        return int(self._run("purge", group_name(group), 0))


def _configured(group: str, limits: Limits) -> tuple[str | int | float, ...]:
    cap = "" if limits.cap is None else limits.cap
    weight = "" if limits.weight == 1.0 else limits.weight
    return group, "weight", weight, "cap", cap, "pause", "1" if limits.paused else ""


def queues(client: redis.Redis, *, global_keyprefix: str = "") -> list[str]:
    """The names of all fair queues of a broker."""
    names: Any = client.smembers(f"{global_keyprefix}fairqueue:queues")
    return sorted(name.decode() for name in names)


def waiting(client: redis.Redis, places: Sequence[tuple[str, str | None]], *, global_keyprefix: str = "") -> list[int]:
    """How many messages wait in each place, a queue (group None) or one group of it, in one round trip for all of them."""
    with client.pipeline(transaction=False) as pipe:
        for queue, group in places:
            base = f"{global_keyprefix}fairqueue:{queue}:"
            pipe.hget(f"{base}state", "waiting") if group is None else pipe.hget(f"{base}waiting", group_name(group))
        return [int(count or 0) for count in pipe.execute()]
