"""Reads for `FairQueue`: nothing here changes anything, and nothing is atomic with what workers do meanwhile."""

import json
import math
import time
from collections.abc import Sequence
from typing import Any

import redis

from fairqueue.limits import Limits, QueueLimits
from fairqueue.records import Element, Flight, is_id_of
from fairqueue.scripts import Scripts
from fairqueue.views import GroupView, Position, QueueView, Why

_SEARCHED = 10_000


class Reader:
    """Looks at the keys of one queue."""

    def __init__(self, client: redis.Redis, scripts: Scripts, queue: str) -> None:
        self._client: Any = client
        self._scripts = scripts
        self._options = scripts.options
        self._queue = queue

    def key(self, name: str) -> str:
        """A key of this queue."""
        return f"{self._scripts.prefix}fairqueue:{self._queue}:{name}"

    def limits(self, group: str) -> Limits:
        """What a group was given."""
        weight, cap, pause = self._client.hmget(self.key("config"), f"weight:{group}", f"cap:{group}", f"pause:{group}")
        return Limits(weight=float(weight or 1), cap=int(cap) if cap else None, paused=pause is not None)

    def all_limits(self) -> QueueLimits:
        """What everybody was given."""
        given = {field.decode(): value.decode() for field, value in self._client.hgetall(self.key("config")).items()}
        groups: dict[str, dict[str, str]] = {}
        for name, value in given.items():
            kind, colon, group = name.partition(":")
            if colon:
                groups.setdefault(group, {})[kind] = value
        return QueueLimits(
            each=int(given["cap"]) if "cap" in given else None,
            total=int(given["total"]) if "total" in given else None,
            groups={group: _limits(found) for group, found in groups.items()},
        )

    def queue(self) -> QueueView:
        """The queue as a whole."""
        pipe = self._client.pipeline(transaction=False)
        pipe.hget(self.key("state"), "waiting").zcard(self.key("flight")).zcard(self.key("delayed"))
        pipe.llen(self.key("dead")).hget(self.key("config"), "total").hkeys(self.key("waiting"))
        waiting, flight, delayed, dead, total, groups = pipe.execute()
        ages = [age for age in self._oldest([group.decode() for group in groups]).values() if age is not None]
        return QueueView(
            queue=self._queue,
            waiting=int(waiting or 0),
            in_flight=flight,
            delayed=delayed,
            dead=dead,
            groups=len(groups),
            oldest=max(ages, default=None),
            workers=self._used(b"", self._usage()) / self._options.fair_window,
            total_cap=int(total) if total else None,
        )

    def groups(self) -> list[GroupView]:
        """Every group with messages waiting or in flight."""
        waiting = {name.decode(): int(count) for name, count in self._client.hgetall(self.key("waiting")).items()}
        flying: dict[str, int] = {}
        for flight in self._flights():
            flying[flight.group] = flying.get(flight.group, 0) + 1
        names = sorted({*waiting, *flying})
        usage, oldest, expected = self._usage(), self._oldest(names), self._expected(names)
        used_by_all, all_flying = self._used(b"", usage), sum(flying.values())
        given = self.all_limits().groups
        views = []
        for name in names:
            limits = given.get(name, Limits())
            share = self._used(name.encode(), usage) / used_by_all if used_by_all > 0 else 0.0
            views.append(
                GroupView(
                    group=name,
                    waiting=waiting.get(name, 0),
                    in_flight=flying.get(name, 0),
                    oldest=oldest[name],
                    share=share,
                    expected=expected[name],
                    noisy=self._is_noisy(limits, flying.get(name, 0), all_flying, share, used_by_all),
                    weight=limits.weight,
                    cap=limits.cap,
                    paused=limits.paused,
                )
            )
        return sorted(views, key=lambda view: (-view.waiting, view.group))

    def positions(self, groups: Sequence[str]) -> dict[str, Position]:
        """For each of these groups, count the messages with an earlier virtual start."""
        views = {view.group: view for view in self.groups()}
        times, floor = self._times(), self._floor()
        workers = max(1.0, self._client.zcard(self.key("flight")), self.queue().workers)
        expected, given = self._expected(list(groups)), self.all_limits().groups
        found = {}
        for group in groups:
            own = views[group].waiting if group in views else 0
            weight = given.get(group, Limits()).weight
            start = max(floor, times.get(group, floor)) + own * expected[group] / weight
            ahead, seconds = own, own * expected[group]
            for name, view in views.items():
                if name != group and view.waiting and not view.paused:
                    step = max(view.expected, self._options.fair_min_charge) / view.weight
                    before = min(view.waiting, max(0, math.ceil((start - times.get(name, floor)) / step)))
                    ahead += before
                    seconds += before * view.expected
            found[group] = Position(ahead=ahead, own_ahead=own, wait=seconds / workers)
        return found

    def why(self, tag: str) -> Why:
        """Look among what is in flight, what was taken lately, what waits."""
        flight = self._flight_of(tag)
        if flight is not None:
            waited = (flight.claimed_ms - flight.element.enqueued_ms) / 1000
            since = max(0.0, time.time() - flight.claimed_ms / 1000)
            reasons = (f"It was taken {since:.1f} s ago and is being worked on.",)
            return Why(tag=tag, state="in flight", group=flight.group, waited=waited, reasons=reasons)
        recent = self._recent(tag)
        return recent or self._waiting(tag) or Why(tag=tag, state="unknown", group=None, waited=None, reasons=())

    def _recent(self, tag: str) -> Why | None:
        for raw in self._client.lrange(self.key("recent"), 0, -1):
            found, _, waited, own, others, _, group, *dedup = raw.decode().split("\n")
            if found == tag or is_id_of(tag, dedup[0] if dedup else ""):
                return Why(
                    tag=tag,
                    state="taken",
                    group=group,
                    waited=int(waited) / 1000,
                    reasons=_reasons(int(own), int(others)),
                )
        return None

    def _waiting(self, tag: str) -> Why | None:
        claims = int(self._client.hget(self.key("state"), "claims") or 0)
        for name in self._client.hkeys(self.key("waiting")):
            group = name.decode()
            for step in self._scripts.priority_steps:
                rows = self._client.lrange(self.key(f"m:{step}:{group}"), -_SEARCHED, -1)
                for place, raw in enumerate(reversed(rows)):
                    element = Element.read(raw)
                    if not _is_meant(tag, element):
                        continue
                    reasons = list(_reasons(place, max(0, claims - element.claims - element.ahead + place), still=True))
                    limits = self.limits(group)
                    if limits.paused:
                        reasons.insert(0, "Its group is paused.")
                    elif limits.cap is not None:
                        reasons.insert(0, f"Its group may have {limits.cap} messages in flight at once.")
                    waited = max(0.0, time.time() - element.enqueued_ms / 1000)
                    return Why(tag=tag, state="waiting", group=group, waited=waited, reasons=tuple(reasons))
        return None

    def _flight_of(self, tag: str) -> Flight | None:
        raw = self._client.hget(f"{self._scripts.prefix}fairqueue:flights", tag)
        if raw:
            return Flight.read(raw)
        return next((flight for flight in self._flights() if _is_meant(tag, flight.element)), None)

    def _flights(self) -> list[Flight]:
        tags = self._client.zrange(self.key("flight"), 0, -1)
        if not tags:
            return []
        records = self._client.hmget(f"{self._scripts.prefix}fairqueue:flights", tags)
        return [Flight.read(record) for record in records if record]

    def _oldest(self, groups: list[str]) -> dict[str, float | None]:
        pipe = self._client.pipeline(transaction=False)
        for group in groups:
            for step in self._scripts.priority_steps:
                pipe.lindex(self.key(f"m:{step}:{group}"), -1)
        heads = pipe.execute()
        width, now = len(self._scripts.priority_steps), time.time()
        found: dict[str, float | None] = {}
        for place, group in enumerate(groups):
            times = [Element.read(head).enqueued_ms for head in heads[place * width : (place + 1) * width] if head]
            found[group] = max(0.0, now - min(times) / 1000) if times else None
        return found

    def _expected(self, groups: list[str]) -> dict[str, float]:
        if not groups:
            return {}
        *each, general = self._client.hmget(self.key("est"), [*groups, ""])
        usual = float(general or self._options.fair_min_charge)
        return {group: float(found) if found else usual for group, found in zip(groups, each, strict=True)}

    def _usage(self) -> dict[bytes, float]:
        return dict(self._client.zrange(self.key("usage"), 0, -1, withscores=True))

    def _used(self, name: bytes, usage: dict[bytes, float]) -> float:
        if name not in usage:
            return 0.0
        return math.exp(max(-40.0, usage[name] - time.time() / self._options.fair_window))

    def _is_noisy(self, limits: Limits, flying: int, all_flying: int, share: float, used_by_all: float) -> bool:
        allowed = self._options.fair_noisy_share * max(1.0, limits.weight)
        if flying >= self._options.fair_noisy_in_flight and flying > allowed * all_flying:
            return True
        return used_by_all >= self._options.fair_noisy_seconds and share > allowed

    def _times(self) -> dict[str, float]:
        times: dict[str, float] = {}
        for step in self._scripts.priority_steps:
            for ring in ("idle", "noisy", "ring"):
                rows = self._client.zrange(self.key(f"{ring}:{step}"), 0, -1, withscores=True)
                times.update({name.decode(): score for name, score in rows})
        return times

    def _floor(self) -> float:
        floors = self._client.hmget(self.key("state"), [f"floor:{step}" for step in self._scripts.priority_steps])
        return max((float(floor) for floor in floors if floor), default=0.0)


def _limits(found: dict[str, str]) -> Limits:
    cap = found.get("cap")
    return Limits(weight=float(found.get("weight", 1)), cap=int(cap) if cap else None, paused="pause" in found)


def _is_meant(tag: str, element: Element) -> bool:
    return tag == element.tag or is_id_of(tag, element.dedup) or tag == _task_id(element.payload)


def _task_id(payload: str) -> str | None:
    try:
        found = json.loads(payload)["headers"].get("id")
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _reasons(own: int, others: int, *, still: bool = False) -> tuple[str, ...]:
    are, went = ("are", "have gone") if still else ("were", "went")
    reasons = []
    if own:
        reasons.append((own, f"{own} messages of its own group {are} before it."))
    if others:
        reasons.append((others, f"{others} messages of other groups {went} before it."))
    if not reasons:
        reasons.append((0, "No worker is free." if still else "No worker was free."))
    return tuple(text for _, text in sorted(reasons, reverse=True))
