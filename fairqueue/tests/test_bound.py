"""How long a group waits at most, and how well weights are kept: a model of the algorithm that foretells every single claim.

The bound is derived in the README, "How long a group waits at most". Every message counts a thousand seconds here, so that the
service times of the test itself change nothing, and each claim charges its group 1,000 divided by its weight.
"""

from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from fairqueue import FairQueue, Limits
from fairqueue.options import Options
from fairqueue.scripts import Scripts

CHARGE = 1000.0
NEWCOMERS = 8
GROUPS = st.sampled_from(["a", "b", "c", "d", "e"])
WEIGHTS = st.sampled_from([0.5, 1.0, 2.0, 16.0])


class Machine(RuleBasedStateMachine):
    """Groups that come back, newcomers without end; the model says whose turn it is."""

    server: Any

    def __init__(self) -> None:
        super().__init__()
        self.client = self.server.client()
        self.client.flushall()
        options = Options(fair_min_charge=CHARGE, fair_noisy_in_flight=10**6, fair_noisy_seconds=1e12)
        self.scripts = Scripts(options)
        self.queue = FairQueue("q", self.client, options=options)
        self.sent = 0
        self.waiting: dict[str, int] = defaultdict(int)
        self.weights: dict[str, float] = {}
        # The model: virtual times of groups that wait and of groups that left, and the floor.
        self.ring: dict[str, float] = {}
        self.idle: dict[str, float] = {}
        self.floor = 0.0
        # For the bounds: claims that each group has waited, the most groups and the extremes of charges meanwhile.
        self.since: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.charges: dict[str, tuple[float, float]] = {}
        self.together: dict[tuple[str, str], tuple[float, float]] = {}

    def run(self, name: str, *arguments: Any) -> Any:
        return self.scripts.run(self.client.execute_command, name, "q", *arguments)

    def weight(self, group: str) -> float:
        return self.weights.get(group, 1.0)

    def charge(self, group: str) -> float:
        return CHARGE / self.weight(group)

    def starts_waiting(self, group: str) -> None:
        self.since[group], self.most[group] = 0, len(self.ring)
        costs = [self.charge(each) for each in self.ring]
        self.charges[group] = min(costs), max([*costs, self.charge(group)])

    @rule(group=GROUPS, count=st.integers(1, 6))
    def publish(self, group: str, count: int) -> None:
        for _ in range(count):
            self.sent += 1
            self.run("publish", 0, group, f"t{self.sent}", 0, "", '["",""]', f'"{group}"', 0)
        if not self.waiting[group]:
            self.ring[group] = max(self.floor, self.idle.pop(group, 0.0))
            self.starts_waiting(group)
        self.waiting[group] += count

    @rule(count=st.integers(1, 5))
    def newcomers(self, count: int) -> None:
        for _ in range(count):
            self.publish(f"Z{self.sent}", 1)

    @initialize(weights=st.lists(WEIGHTS, min_size=5, max_size=5))
    def weigh(self, weights: list[float]) -> None:
        for group, weight in zip("abcde", weights, strict=True):
            self.queue.set_limits(group, Limits(weight=weight))
            self.weights[group] = weight

    @rule(group=GROUPS)
    def purge(self, group: str) -> None:
        assert self.queue.purge(group) == self.waiting.pop(group, 0)
        if group in self.ring:
            self.idle[group] = self.ring.pop(group)
        self.together = {pair: found for pair, found in self.together.items() if group not in pair}

    @rule(count=st.integers(1, 30), newcomer_at_each=st.booleans())
    def claim(self, count: int, newcomer_at_each: bool) -> None:
        for _ in range(count):
            if newcomer_at_each:
                self.newcomers(1)
            self.claim_one()

    def claim_one(self) -> None:
        before = set(self.ring)
        found = self.run("claim", 0, 1, 1, 1)
        if not self.ring:
            assert not found
            return
        expected = min(self.ring, key=lambda group: (self.ring[group], group))
        assert found[0][0].decode() == f'"{expected}"'
        gained = self.charge(expected)
        self.ring[expected] += gained
        self.waiting[expected] -= 1
        if not self.waiting[expected]:
            self.idle[expected] = self.ring.pop(expected)
        self.floor += gained / (NEWCOMERS * (1 + len(self.ring)))
        self.floor = max(self.floor, min(self.ring.values(), default=self.floor))
        self.idle = {group: time for group, time in self.idle.items() if time > self.floor}
        self.hold_waiting_to_its_bound(expected)
        self.hold_weights_to_theirs(expected, before)

    def hold_waiting_to_its_bound(self, taken: str) -> None:
        for group in self.ring:
            self.since[group] += 1
            self.most[group] = max(self.most[group], len(self.ring))
            costs = [self.charge(each) for each in [*self.ring, taken]]
            low, high = self.charges[group]
            self.charges[group] = min(low, *costs), max(high, *costs)
        for group in {taken, *self.ring}:
            low, high = self.charges[group]
            assert self.since[group] <= 10 * (self.most[group] + 1) * high / low
        if taken in self.ring:
            self.starts_waiting(taken)

    def hold_weights_to_theirs(self, taken: str, before: set[str]) -> None:
        """Two groups that wait all the time gain the same, divided by their weights, to within one message of each."""
        stay = sorted(before & set(self.ring))
        pairs = [(one, other) for one in stay for other in stay if one < other]
        old, self.together = self.together, {}
        for one, other in pairs:
            gained = old.get((one, other), (0.0, 0.0))
            gained = (gained[0] + self.charge(one) * (taken == one), gained[1] + self.charge(other) * (taken == other))
            self.together[one, other] = gained
            allowed = self.charge(one) + self.charge(other) + CHARGE / 0.5 / 4
            assert abs(gained[0] - gained[1]) <= allowed


def test_every_claim_is_foretold_and_nobody_waits_longer_than_the_bound(server: Any) -> None:
    Machine.server = server
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        ),
    )
