"""Strategies are changed under a running worker: it follows within seconds, and nothing is lost."""

import json

import pytest
from celery import current_app
from django.db import connection

from audit.services import Actor
from messaging.models import Delivery
from messaging.outbox import Wakeup, WakeupSender
from messaging.routing import queue_for
from messaging.routing.models import OverflowEpisode, ServedQueue
from messaging.routing.services import Place, Wish, choose
from tenants.registry.context import enter_public
from tests.support.crew import eventually
from wildrydes.configuration.broker import broker_url

STRATEGIES = ["dedicated", "cell", "shuffle", "fair", "shared", "overflow", "tiered"]
ACTOR = Actor.system("a test")
GRACE = 3.0


@pytest.fixture
def roomy(crew):
    """Redis and the processes of this test; queues that are not in force go soon."""
    told = json.loads(crew.environment["SAMPLE_MESSAGING"])
    crew.environment["SAMPLE_MESSAGING"] = json.dumps({**told, "ROUTING_GRACE_SECONDS": GRACE})
    return crew


@pytest.fixture
def sender(roomy, settings):
    """Sends wake-ups to the processes' Redis."""
    before = current_app.conf.broker_url
    current_app.conf.broker_url = broker_url(settings.MESSAGING["TRANSPORT"], roomy.environment["REDIS_URL"])
    made = WakeupSender(5.0)
    yield made
    made.close()
    current_app.conf.broker_url = before


def keep_the_sweeper_off():
    with enter_public(), connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_delivery SET due_at = clock_timestamp() + interval '1 hour'")


@pytest.mark.parametrize(
    ("pool", "strategies"),
    [("threads", STRATEGIES), ("prefork", ["dedicated", "tiered"])],
    ids=["threads-all", "prefork"],
)
def test_a_worker_follows_every_change_and_nothing_is_lost(roomy, shop, tenant, sender, pool, strategies):
    sweeper, worker = roomy.sweeper(), roomy.worker(pool=pool, concurrency=2)
    things = shop.post("good", 2)
    eventually(lambda: not shop.open(), what="they are at work")
    for strategy in strategies:
        with enter_public():
            old = queue_for(tenant, "bookings")
        choose(wish=Wish(place=Place(tier="basic"), strategy=strategy), actor=ACTOR)
        with enter_public():
            new = queue_for(tenant, "bookings")
        # Sent by somebody who does not know yet, and by nobody else: the old queue is still consumed.
        things += shop.post("good", 2)
        keep_the_sweeper_off()
        late = [Wakeup(row.id, row.epoch, old, str(tenant.id)) for row in shop.open()]
        sender.send(late)
        eventually(lambda: not shop.open(), within=20, what=f"what was sent to {old} is done")
        # And the new one, within seconds.
        things += shop.post("good", 2)
        keep_the_sweeper_off()
        sender.send([Wakeup(row.id, row.epoch, new, str(tenant.id)) for row in shop.open()])
        eventually(lambda: not shop.open(), within=20, what=f"what was sent to {new} is done")
    assert (worker.starts, sweeper.starts) == (1, 1)
    assert sorted(shop.effects()) == sorted(things)
    eventually(_only_the_usual, within=GRACE + 20, what="the old queues are gone")
    eventually(lambda: worker.said("Canceling queue bookings.basic.own-acme"), within=GRACE + 20, what="and left")


def _only_the_usual():
    with enter_public():
        names = set(ServedQueue.objects.values_list("name", flat=True))
    return names and not any(
        "own-acme" in name or "cell" in name or "shard" in name or "fair" in name for name in names
    )


def test_a_queue_with_messages_stays_until_they_are_gone(roomy, shop, tenant, sender):
    roomy.sweeper()
    choose(wish=Wish(place=Place(tenant="acme"), strategy="dedicated"), actor=ACTOR)
    with enter_public():
        old = queue_for(tenant, "bookings")
    eventually(lambda: _standing(old), what="it is served")
    things = shop.post("good", 3)
    keep_the_sweeper_off()
    sender.send([Wakeup(row.id, row.epoch, old, str(tenant.id)) for row in shop.open()])
    choose(wish=Wish(place=Place(tenant="acme")), actor=ACTOR)
    eventually(lambda: _standing(old).retiring_since, what="it is known to retire")
    # Longer than the grace, with nobody at work.
    with enter_public(), connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_servedqueue SET retiring_since = retiring_since - interval '1 minute'")
    assert _standing(old)
    roomy.worker()
    eventually(lambda: not shop.open(), what="the worker emptied it")
    assert sorted(shop.effects()) == sorted(things)
    eventually(lambda: _standing(old) is None, within=30, what="then it goes")


def test_what_waits_in_a_queue_that_nobody_knows_is_sent_again(roomy, shop, sender, tenant):
    things = shop.post("good", 2)
    keep_the_sweeper_off()
    sender.send([Wakeup(row.id, row.epoch, "bookings.basic.own-nobody", str(tenant.id)) for row in shop.open()])
    with enter_public(), connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_delivery SET due_at = clock_timestamp() + interval '2 seconds'")
    roomy.sweeper(), roomy.worker()
    eventually(lambda: not shop.open(), what="the sweeper sent them where somebody works")
    assert sorted(shop.effects()) == sorted(things)
    assert Delivery.objects.count() == 0


def test_a_flood_overflows_and_comes_back_by_itself(roomy, shop, tenant):
    options = {"backlog": 10, "calm": 1, "weight": 0.5}
    choose(wish=Wish(place=Place(tier="basic"), strategy="overflow", options=options), actor=ACTOR)
    roomy.sweeper()
    worker = roomy.worker(concurrency=2)
    things = shop.post("good", 1)
    eventually(lambda: not shop.open(), what="the worker is at work")
    things += shop.post("good", 30, seconds=0.3)
    eventually(lambda: OverflowEpisode.objects.filter(stage="moved").exists(), within=30, what="the backlog is seen")
    things += shop.post("good", 5)
    eventually(lambda: worker.said("Started consuming from bookings.basic.over-acme"), within=30, what="and followed")
    eventually(lambda: not shop.open(), what="all is done")
    eventually(lambda: OverflowEpisode.objects.filter(stage="over").exists(), within=30, what="it came back")
    assert sorted(shop.effects()) == sorted(things)


def _standing(name):
    with enter_public():
        return ServedQueue.objects.filter(name=name).first()
