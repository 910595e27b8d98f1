"""Processes that are told to stop: nothing is lost, nothing done twice, nothing counted, and they are gone in time."""

import signal
import time

import pytest

from messaging.beats import seen_lately
from messaging.models import Delivery
from tenants.registry.context import enter_public
from tests.messaging.processes.conftest import LEASE
from tests.support.crew import eventually

# Grace (2 s), handing over, and a slow machine.
IN_TIME = 12.0


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_deployment_loses_nothing_does_nothing_twice_and_counts_nothing(crew, shop, pool):
    good = shop.post("good", 10, seconds=0.5)
    endless = shop.post("slow", 1, seconds=5.0)
    crew.sweeper()
    old = crew.worker(pool=pool, concurrency=3)
    eventually(lambda: "slow" in [kind for kind, *_ in crew.starts()], what="the slow one is at work")
    began = time.monotonic()
    assert old.stop(signal.SIGTERM) < IN_TIME
    with enter_public():
        claimed = list(Delivery.objects.exclude(claim_id=None))
    assert claimed == [], "what could not be finished is anybody's"
    assert old.process.returncode == 0
    new = crew.worker(pool=pool, concurrency=3, name="new")
    eventually(lambda: sum(kind == "slow" for kind, *_ in crew.starts()) == 2, what="the slow one is at work again")
    eventually(lambda: not shop.open(), what="all is done")
    assert time.monotonic() - began < 60
    assert sorted(shop.effects()) == sorted(good + endless)
    assert shop.letters() == []
    assert new.starts == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=lambda number: number.name)
def test_whatever_the_signal_and_however_often_the_work_is_anybodys_afterwards(crew, shop, number):
    shop.post("slow", seconds=20.0)
    crew.sweeper()
    worker = crew.worker(concurrency=2)
    eventually(crew.starts, what="it is at work")
    worker.tell(number)
    time.sleep(0.2)
    assert worker.stop(number) < IN_TIME
    [row] = shop.open()
    assert (row.claim_id, row.crashes, row.attempts) == (None, 0, 0)


def test_a_sweeper_and_a_scheduler_end_at_once(crew, shop):
    sweeper, scheduler = crew.sweeper(), crew.start("scheduler", "scheduler", HEALTH_FILE="")
    eventually(lambda: scheduler.said("Schedule changed"), what="the scheduler runs")
    eventually(lambda: seen_lately().keys() == {"sweeper", "scheduler"}, what="both are known")
    assert sweeper.stop() < 5.0
    assert scheduler.stop() < 5.0
    assert not seen_lately(), "nobody is missing who was stopped on purpose"
    assert (sweeper.process.returncode, scheduler.process.returncode) == (0, 0)


def test_a_worker_stopped_past_its_lease_and_continued_writes_nothing(crew, shop):
    [thing] = shop.post("slow", seconds=2.0)
    [call] = shop.post("slow", call=True, seconds=2.0)
    crew.sweeper()
    first = crew.worker(concurrency=2)
    eventually(lambda: len(crew.starts()) == 2, what="both are at work")
    first.tell(signal.SIGSTOP)
    crew.worker(concurrency=2, name="second")
    eventually(lambda: not shop.open(), within=LEASE + 40, what="taken over and done")
    first.tell(signal.SIGCONT)
    eventually(
        lambda: first.said("claim_lost") or first.starts > 1,
        what="its late commit is refused, or its watchdog ended it",
    )
    assert sorted(shop.effects()) == sorted([thing, call])
