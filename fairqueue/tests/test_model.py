"""The scripts against a small model: nothing lost, nothing taken twice, order kept, limits held, tokens right."""

import itertools
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from fairqueue import FairQueue, Limits
from fairqueue.options import Options
from fairqueue.scripts import Scripts

STEPS = (0, 3)
GROUPS = st.sampled_from(["a", "b", "c:1", "d e", "é"])
LIMIT = 3


class Machine(RuleBasedStateMachine):
    """What a producer, several consumers and an operator may do, in any order."""

    server: Any
    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.client = self.server.client()
        self.client.flushall()
        options = Options(fair_redelivery_limit=LIMIT, fair_noisy_in_flight=2, fair_noisy_every=3)
        self.scripts = Scripts(options, priority_steps=STEPS)
        self.queue = FairQueue("q", self.client, priority_steps=STEPS, options=options)
        self.numbers = itertools.count()
        self.waiting: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.flight: dict[str, tuple[str, int]] = {}
        self.deliveries: dict[str, int] = defaultdict(int)
        self.dedup: dict[str, str] = {}
        self.dead: dict[str, tuple[str, int]] = {}
        self.done: set[str] = set()
        self.paused: set[str] = set()
        self.caps: dict[str, int] = {}
        self.weights: dict[str, float] = {}
        self.each: int | None = None
        self.total: int | None = None

    # What the scripts are told

    def run(self, name: str, *arguments: Any) -> Any:
        return self.scripts.run(self.client.execute_command, name, "q", *arguments)

    def token_list(self, step: int) -> str:
        return "q" if step == 0 else f"q\x06\x16{step}"

    # What the model knows

    def room(self, group: str) -> float:
        if group in self.paused:
            return 0
        cap = self.caps.get(group, self.each)
        if cap is None:
            return float("inf")
        return max(0, cap - sum(1 for found, _ in self.flight.values() if found == group))

    def claimable(self, step: int) -> float:
        count = 0.0
        for group in {group for group, _ in self.waiting}:
            room = self.room(group)
            for each in STEPS:
                some = min(len(self.waiting[group, each]), room)
                room -= some
                if each == step:
                    count += some
        return count

    def is_full(self) -> bool:
        return self.total is not None and len(self.flight) >= self.total

    def forget(self, tag: str) -> None:
        self.dedup = {key: other for key, other in self.dedup.items() if other != tag}

    # Rules

    @rule(group=GROUPS, step=st.sampled_from(STEPS), dedup=st.sampled_from(["", "", "", "x", "y"]))
    def publish(self, group: str, step: int, dedup: str) -> None:
        tag = f"m{next(self.numbers)}"
        added = self.run("publish", step, group, tag, 0, dedup, '["ex","rk"]', f'{{"tag":"{tag}"}}', 0)
        assert added == (0 if dedup in self.dedup else 1)
        if added:
            self.waiting[group, step].append(tag)
            if dedup:
                self.dedup[dedup] = tag

    @rule(target=taken, step=st.sampled_from(STEPS), most=st.integers(1, 3))
    def claim(self, step: int, most: int) -> Any:
        before = self.claimable(step)
        if not self.client.rpop(self.token_list(step)):
            return multiple()
        found = self.run("claim", step, most, 0, 0)
        assert found or before == 0 or self.is_full() or most == 0
        tags = []
        for payload, deliveries, _ in found:
            tag = payload.decode().split('"')[3]
            assert not self.is_full()
            group = next(group for (group, at), tags_ in self.waiting.items() if at == step and tags_[:1] == [tag])
            assert self.room(group) > 0
            assert deliveries == self.deliveries[tag]
            self.waiting[group, step].pop(0)
            self.flight[tag] = (group, step)
            tags.append(tag)
        return multiple(*tags)

    @rule(step=st.sampled_from(STEPS))
    def consumer_dies_with_its_token(self, step: int) -> None:
        self.client.rpop(self.token_list(step))

    @rule(tag=taken)
    def acknowledge(self, tag: str) -> None:
        landed = self.run("ack", tag)
        assert landed == (1 if tag in self.flight else 0)
        if tag in self.flight:
            del self.flight[tag]
            self.done.add(tag)
            self.forget(tag)

    @rule(tag=taken, front=st.booleans())
    def put_back(self, tag: str, front: bool) -> None:
        back, dead, foreign = self.run("restore", int(front), LIMIT, "died", 0, 0, tag)
        assert (back + dead, len(foreign)) == ((1, 0) if tag in self.flight else (0, 1))
        if tag not in self.flight:
            return
        group, step = self.flight.pop(tag)
        self.deliveries[tag] += 1
        assert dead == (1 if self.deliveries[tag] >= LIMIT else 0)
        if dead:
            self.dead[tag] = (group, step)
            self.forget(tag)
        else:
            self.waiting[group, step].insert(0 if front else len(self.waiting[group, step]), tag)

    @rule(
        group=GROUPS, weight=st.sampled_from([1.0, 0.5, 3.0]), cap=st.none() | st.integers(1, 3), paused=st.booleans()
    )
    def limit(self, group: str, weight: float, cap: int | None, paused: bool) -> None:
        self.queue.set_limits(group, Limits(weight=weight, cap=cap, paused=paused))
        (self.paused.add if paused else self.paused.discard)(group)
        self.caps.pop(group, None)
        if cap is not None:
            self.caps[group] = cap
        assert self.queue.limits(group) == Limits(weight=weight, cap=cap, paused=paused)

    @rule(each=st.none() | st.integers(1, 3), total=st.none() | st.integers(1, 4))
    def cap_all(self, each: int | None, total: int | None) -> None:
        self.queue.set_caps(each=each, total=total)
        self.each, self.total = each, total

    @rule(group=GROUPS)
    def purge(self, group: str) -> None:
        expected = sum(len(self.waiting[group, step]) for step in STEPS)
        assert self.queue.purge(group) == expected
        for step in STEPS:
            for tag in self.waiting.pop((group, step), []):
                self.forget(tag)
                self.done.add(tag)

    @rule()
    def redrive(self) -> None:
        assert self.queue.redrive() == len(self.dead)
        for tag, (group, step) in self.dead.items():
            self.waiting[group, step].append(tag)
            self.deliveries[tag] = 0
        self.dead = {}

    # What always holds

    @invariant()
    def everything_is_where_it_should_be(self) -> None:
        for group, step in list(self.waiting):
            rows = [row.decode().split("\n")[0] for row in self.client.lrange(f"fairqueue:q:m:{step}:{group}", 0, -1)]
            assert rows[::-1] == self.waiting[group, step]
        assert {tag.decode() for tag in self.client.hkeys("fairqueue:flights")} == set(self.flight)
        assert {tag.decode() for tag in self.client.hkeys("unacked")} == set(self.flight)
        assert self.client.zcard("unacked_index") == self.client.zcard("fairqueue:q:flight") == len(self.flight)
        assert {key.decode() for key in self.client.smembers("fairqueue:q:dedup")} == set(self.dedup)
        assert {letter.tag for letter in self.queue.dead_letters()} == set(self.dead)

    @invariant()
    def counts_are_right(self) -> None:
        counts = {group.decode(): int(n) for group, n in self.client.hgetall("fairqueue:q:waiting").items()}
        expected: dict[str, int] = defaultdict(int)
        for (group, _), tags in self.waiting.items():
            if tags:
                expected[group] += len(tags)
        assert counts == expected
        assert int(self.client.hget("fairqueue:q:state", "waiting") or 0) == sum(expected.values())

    @invariant()
    def a_repair_makes_the_tokens_right(self) -> None:
        self.run("tick", 1, "q")
        room = float("inf") if self.total is None else max(0, self.total - len(self.flight))
        for step in STEPS:
            assert int(self.client.hget("fairqueue:q:state", f"due:{step}") or 0) == self.claimable(step)
            want = min(self.claimable(step), room)
            room -= want
            assert self.client.llen(self.token_list(step)) == want


def test_scripts_keep_every_promise(server: Any) -> None:
    Machine.server = server
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize("weights", [(1, 1), (1, 3), (2, 1)], ids=str)
def test_weights_share_the_work(server: Any, weights: tuple[float, float]) -> None:
    """With everything always waiting, the claims are shared by weight, to within one message."""
    client, scripts = server.client(), Scripts(Options(fair_noisy_in_flight=10**6, fair_noisy_seconds=1e9))
    queue = FairQueue("w", client)
    for name, weight in zip("ab", weights, strict=True):
        queue.set_limits(name, Limits(weight=weight))
        for n in range(200):
            scripts.run(client.execute_command, "publish", "w", 0, name, f"{name}{n}", 0, "", '["",""]', "{}", 0)
    taken = {"a": 0, "b": 0}
    for _ in range(120):
        client.rpop("w")
        found = scripts.run(client.execute_command, "claim", "w", 0, 1, 1, 0)
        assert found
    for name in "ab":
        taken[name] = 200 - client.llen(f"fairqueue:w:m:0:{name}")
    share = taken["a"] / 120
    assert abs(share - weights[0] / sum(weights)) <= 2 / 120
