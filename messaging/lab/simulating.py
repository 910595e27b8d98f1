"""A discrete-event simulator of producers, queues and workers that asks the strategy modules where to send and what to serve.

What it leaves out: the broker's and the database's own time, prefetching, and that each worker has an order of its own over the
queues (here all share one). Where tenants take turns it is by worker time, as fairqueue does.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from messaging.lab.loads import Arrival, Load
from messaging.routing.strategies.contract import EVERYBODY, Options, Seen, Sender, Strategy
from messaging.routing.strategies.judging import Measures, Stage, State, judge

_CLASS = "payments"
# As the product's steward: how often depths are looked at and tenants judged, in seconds.
LOOK_SECONDS = 1.0
_WINDOW_SECONDS = 60.0
_RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Waiting times in seconds from the scheduled sending to the first start, with those moments; what else is compared."""

    waits: Mapping[str, list[tuple[float, float]]]
    served_seconds: Mapping[str, float]
    finished_at: float
    messages: int
    queues: int
    most_queues: int
    moved: int


class _Fifo:
    """First come, first served."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Arrival, int]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: tuple[Arrival, int]) -> None:
        self._waiting.append(message)

    def take(self) -> tuple[Arrival, int]:
        return self._waiting.popleft()


class _Turns:
    """Tenants take turns of worker time: the one with the lowest virtual time is next (start-time fair queueing)."""

    def __init__(self) -> None:
        self._groups: dict[str, deque[tuple[Arrival, int]]] = {}
        self._times: dict[str, float] = {}
        self._ring: list[tuple[float, str]] = []
        self._present = 0.0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, message: tuple[Arrival, int]) -> None:
        tenant = message[0].tenant
        self._count += 1
        group = self._groups.get(tenant)
        if group is None:
            self._groups[tenant] = deque([message])
            start = max(self._present, self._times.get(tenant, 0.0))
            self._times[tenant] = start
            heapq.heappush(self._ring, (start, tenant))
        else:
            group.append(message)

    def take(self) -> tuple[Arrival, int]:
        start, tenant = heapq.heappop(self._ring)
        self._present = max(self._present, start)
        group = self._groups[tenant]
        message = group.popleft()
        self._count -= 1
        self._times[tenant] = start + message[0].seconds
        if group:
            heapq.heappush(self._ring, (self._times[tenant], tenant))
        else:
            del self._groups[tenant]
        return message


@dataclass(slots=True)
class _Figures:
    """One tenant, as producers and consumers see it."""

    waiting: int = 0
    state: State = field(default_factory=State)
    measured: deque[tuple[float, float, int]] = field(default_factory=deque)


class Simulation:
    """One strategy under one load."""

    def __init__(self, strategy: Strategy, options: Mapping[str, Options], load: Load, workers: int) -> None:
        """`options` are by tier, `workers` how many messages are worked on at once."""
        self._strategy = strategy
        self._options = options
        self._load = load
        self._workers = workers
        self._senders = {tenant: Sender(tenant, tier) for tenant, tier in load.tiers.items()}
        self._queues: dict[str, _Fifo | _Turns] = {}
        self._ring: list[tuple[float, int, str]] = []
        self._passes: dict[str, float] = {}
        self._present = 0.0
        self._order = 0
        self._weights = self._known_weights()
        self._depths: dict[str, int] = {}
        self._figures: defaultdict[str, _Figures] = defaultdict(_Figures)
        self._watched: set[str] = set()
        self._moved = 0
        self._events: list[tuple[float, int, bool, Arrival, int]] = []
        self._waits: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self._served: defaultdict[str, float] = defaultdict(float)

    def _known_weights(self) -> dict[str, float]:
        senders = list(self._senders.values())
        found: dict[str, float] = {}
        for tier, options in self._options.items():
            for pool in (tier, EVERYBODY):
                own = [sender for sender in senders if sender.tier == tier]
                found.update(self._strategy.queues_of_pool(pool, _CLASS, options, own))
        return found

    def run(self) -> Result:
        """Let it happen."""
        arrivals = self._load.arrivals
        free, position, now, next_look, most = self._workers, 0, 0.0, LOOK_SECONDS, 0
        while position < len(arrivals) or self._events or self._ring:
            while free and self._ring:
                self._begin(now)
                free -= 1
            due = min(
                arrivals[position].at if position < len(arrivals) else float("inf"),
                self._events[0][0] if self._events else float("inf"),
            )
            while next_look <= due < float("inf"):
                self._look(next_look)
                most = max(most, len(self._depths))
                next_look += LOOK_SECONDS
            now = due
            if position < len(arrivals) and arrivals[position].at <= now:
                self._put(arrivals[position], 0)
                position += 1
                continue
            _, _, is_retry, message, attempt = heapq.heappop(self._events)
            if is_retry:
                self._put(message, attempt)
            else:
                free += 1
                self._end(message, attempt, now)
        return Result(
            waits=self._waits,
            served_seconds=self._served,
            finished_at=now,
            messages=len(arrivals),
            queues=len(self._queues),
            most_queues=max(most, min(1, len(self._queues))),
            moved=self._moved,
        )

    def _begin(self, now: float) -> None:
        """A free worker takes the next message."""
        message, attempt = self._take()
        if not attempt:
            self._waits[message.tenant].append((message.at, now - message.at))
        self._later(now + message.seconds, message, attempt, is_retry=False)

    def _end(self, message: Arrival, attempt: int, now: float) -> None:
        """It is done, or comes back after a pause."""
        self._served[message.tenant] += message.seconds
        has_failed = attempt < message.failures
        self._note(message, now, has_failed=has_failed)
        if has_failed:
            pause = _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]
            self._later(now + pause, message, attempt + 1, is_retry=True)

    def _later(self, at: float, message: Arrival, attempt: int, *, is_retry: bool) -> None:
        self._order += 1
        heapq.heappush(self._events, (at, self._order, is_retry, message, attempt))

    def _put(self, message: Arrival, attempt: int) -> None:
        sender = self._senders[message.tenant]
        options = self._options[sender.tier]
        figures = self._figures[message.tenant]
        name = self._strategy.queue_for(sender, _CLASS, options, Seen(self._depths, figures.state.moved))
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Turns() if self._strategy.takes_turns(options) else _Fifo()
        if not len(queue):
            start = max(self._present, self._passes.get(name, 0.0))
            self._passes[name] = start
            self._order += 1
            heapq.heappush(self._ring, (start, self._order, name))
        queue.put((message, attempt))
        self._depths[name] = self._depths.get(name, 0) + 1
        figures.waiting += 1
        self._watched.add(message.tenant)

    def _take(self) -> tuple[Arrival, int]:
        start, _, name = heapq.heappop(self._ring)
        self._present = max(self._present, start)
        queue = self._queues[name]
        found = queue.take()
        self._passes[name] = start + 1 / self._weights.get(name, 1.0)
        if len(queue):
            self._order += 1
            heapq.heappush(self._ring, (self._passes[name], self._order, name))
        self._figures[found[0].tenant].waiting -= 1
        return found

    def _note(self, message: Arrival, now: float, *, has_failed: bool) -> None:
        if self._strategy.name == "overflow":
            self._figures[message.tenant].measured.append((now, message.seconds, int(has_failed)))
            self._watched.add(message.tenant)

    def _look(self, now: float) -> None:
        """What the steward does: depths anew, and who overflows."""
        self._depths = {name: len(queue) for name, queue in self._queues.items() if len(queue)}
        if self._strategy.name != "overflow":
            return
        for tenant in list(self._watched):
            figures, sender = self._figures[tenant], self._senders[tenant]
            while figures.measured and figures.measured[0][0] < now - _WINDOW_SECONDS:
                figures.measured.popleft()
            options = self._options[sender.tier]
            own = self._strategy.queues_of_tenant(sender, _CLASS, options)[-1]
            before = figures.state
            figures.state = judge(before, self._measures(figures, own), options, now=now)
            self._moved += int(figures.state.moved and before.stage is Stage.NORMAL)
            if figures.state.stage is Stage.NORMAL and not figures.waiting and not figures.measured:
                self._watched.discard(tenant)

    def _measures(self, figures: _Figures, own: str) -> Measures:
        count = len(figures.measured)
        return Measures(
            backlog=figures.waiting,
            seconds=sum(each[1] for each in figures.measured) / count if count else 0.0,
            errors=sum(each[2] for each in figures.measured) / count if count else 0.0,
            samples=count,
            left_behind=self._depths.get(own, 0),
        )
