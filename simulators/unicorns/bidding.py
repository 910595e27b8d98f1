"""The fleet at work: reports where it is, takes requests by push and pull, thinks, answers; well or badly, by its temper."""

import heapq
import itertools
import json
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from simulators.unicorns.callers import FleetCaller, NotReached
from simulators.unicorns.temper import Mood, Moods

REPORT_EVERY_S = 5.0
PULL_EVERY_S = 0.5
_KNOWN_AT_MOST = 50_000
_CALLS_AT_ONCE = 8
_KM_PER_DEGREE = 111.32
_METRES_PER_SECOND = 12.0

Herd = Callable[[], list[dict[str, Any]]]


class Bidding:
    """Runs in threads of its own until the process ends.

    Args:
        caller: the way to the product.
        herd: where everybody is now.
        hook: the address under which the product reaches us, where requests are to be pushed to; None: pull only.
    """

    def __init__(self, caller: FleetCaller, herd: Herd, *, hook: str | None = None) -> None:
        self.moods = Moods()
        self.counts: Counter[str] = Counter()
        self.secret = ""
        self._caller = caller
        self._herd = herd
        self._hook = hook
        self._plan: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._wake = threading.Condition()
        self._known: dict[str, None] = {}
        self._last: str | None = None
        self._pool = ThreadPoolExecutor(_CALLS_AT_ONCE)

    def start(self) -> None:
        """Begin."""
        self._in(0.0, self._report)
        self._in(0.0, self._pull)
        if self._hook is not None:
            self._in(0.0, self._register)
        threading.Thread(target=self._run, name="fleet", daemon=True).start()

    def take(self, requests: list[dict[str, Any]]) -> None:
        """Think about what is asked; what is known already is asked once."""
        for request in requests:
            correlation_id = str(request["correlation_id"])
            with self._wake:
                if correlation_id in self._known:
                    continue
                self._known[correlation_id] = None
                if len(self._known) > _KNOWN_AT_MOST:
                    self._known.pop(next(iter(self._known)))
            mood = self.moods.throw()
            self.counts["asked"] += 1
            self.counts[mood.kind] += 1
            if mood.kind != "silent":
                wait = mood.after_seconds
                if mood.kind == "late":
                    wait = max(0.0, datetime.fromisoformat(request["answer_by"]).timestamp() - time.time()) + 0.2 + wait
                self._in(wait, lambda request=request, mood=mood: self._answer(request, mood))  # type: ignore[misc]

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        with self._wake:
            heapq.heappush(self._plan, (time.monotonic() + seconds, next(self._number), act))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._plan or self._plan[0][0] > time.monotonic():
                    self._wake.wait(self._plan[0][0] - time.monotonic() if self._plan else None)
                act = heapq.heappop(self._plan)[2]
            self._pool.submit(self._attempt, act)

    def _attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
        except NotReached:
            self.counts["not_reached"] += 1

    def _report(self) -> None:
        try:
            self._caller.report(
                [
                    {
                        "unicorn": each["id"],
                        "latitude": each["latitude"],
                        "longitude": each["longitude"],
                        "available": each["status"] == "available",
                    }
                    for each in self._herd()
                ]
            )
            self.counts["reports"] += 1
        finally:
            self._in(REPORT_EVERY_S, self._report)

    def _pull(self) -> None:
        try:
            found = self._caller.pull(self._last)
            if found:
                self._last = str(found[-1]["correlation_id"])
                self.take(found)
        finally:
            self._in(PULL_EVERY_S, self._pull)

    def _register(self) -> None:
        try:
            self.secret = self._caller.register(str(self._hook))
        except NotReached:
            self._in(1.0, self._register)

    def _answer(self, request: Mapping[str, Any], mood: Mood) -> None:
        for body in self._bodies(request, mood):
            status = self._caller.answer(body)
            self.counts[f"answered_{status}"] += 1

    def _bodies(self, request: Mapping[str, Any], mood: Mood) -> list[bytes]:
        if mood.kind == "garbage":
            return [random.choice((b"", b"[]", b'{"offer": ', b"\xff\xfe\x00", b'{"correlation_id": 5}'))]
        told = {"correlation_id": request["correlation_id"], "reply_to": request["reply_to"]}
        if mood.kind == "forged":
            # One letter in the middle: the address of somebody else, for all the forger knows.
            address, middle = told["reply_to"], len(told["reply_to"]) // 2
            told["reply_to"] = address[:middle] + ("A" if address[middle] != "A" else "B") + address[middle + 1 :]
        if mood.kind == "decline":
            return [json.dumps({**told, "decline": True}).encode()]
        body = json.dumps({**told, "offer": self._offer(request, mood)}).encode()
        return [body] * (2 if mood.kind == "twice" else 1)

    def _offer(self, request: Mapping[str, Any], mood: Mood) -> dict[str, Any]:
        unicorn = next((each for each in self._herd() if each["id"] == request["unicorn"]), None)
        way = 3_000.0 if unicorn is None else _metres(unicorn, request["pickup"])
        price = round(request["distance_m"] / 1000 * self.moods.temper.price_per_km * mood.factor)
        return {
            "price_minor": max(100, price),
            "currency": request["currency"],
            "eta_seconds": min(7_200, 30 + math.ceil(way / _METRES_PER_SECOND)),
            "extras": [] if unicorn is None else unicorn["extras"],
            "valid_seconds": 300,
        }


def _metres(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    north = (one["latitude"] - other["latitude"]) * _KM_PER_DEGREE
    east = (one["longitude"] - other["longitude"]) * _KM_PER_DEGREE * math.cos(math.radians(one["latitude"]))
    return 1_000 * math.hypot(north, east)
