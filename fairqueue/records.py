"""The records that the scripts keep, taken apart. Their layout is told in lua/common.lua."""

from dataclasses import dataclass


def is_id_of(given: str, dedup: str) -> bool:
    """Whether this is the deduplication id, or its first part."""
    return bool(given) and (dedup == given or dedup.startswith(f"{given}:"))


@dataclass(frozen=True, slots=True)
class Element:
    """A waiting message.

    `ahead` and `claims` say how many of its own group were before it, and how many messages of the queue had been taken, when
    it came.
    """

    tag: str
    enqueued_ms: float
    deliveries: int
    ahead: int
    claims: int
    dedup: str
    route: str
    payload: str

    @classmethod
    def read(cls, raw: bytes) -> "Element":
        """An element as it stands in a group's list."""
        tag, enqueued, deliveries, ahead, claims, dedup, route, payload = raw.decode().split("\n", 7)
        return cls(tag, float(enqueued), int(float(deliveries)), int(ahead), int(claims), dedup, route, payload)


@dataclass(frozen=True, slots=True)
class Flight:
    """A message in flight."""

    queue: str
    priority: int
    claimed_ms: float
    charged: float
    group: str
    element: Element

    @classmethod
    def read(cls, raw: bytes) -> "Flight":
        """A record of the hash of flights."""
        queue, priority, claimed, charged, group, element = raw.decode().split("\n", 5)
        return cls(queue, int(priority), float(claimed), float(charged), group, Element.read(element.encode()))
