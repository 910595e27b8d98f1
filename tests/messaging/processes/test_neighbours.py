"""One tenant's flood, and another's message behind it: real workers, on each transport."""

import time

import pytest

from audit.services import Actor
from messaging.fairness.pausing import pause_processing, resume_processing
from tenants.registry.context import enter_public
from tenants.registry.models import Tenant
from tests.messaging.processes.conftest import Shop
from tests.support.crew import eventually, told

FLOOD = 100


@pytest.fixture
def neighbour(shop, crew, other_tenant):
    """Globex, of acme's tier, whose queue it shares."""
    with enter_public():
        Tenant.objects.filter(id=other_tenant.id).update(tier="basic")
    return Shop(other_tenant)


@pytest.fixture
def flood(crew, shop, neighbour, request):
    """Everything of acme's flood is in the queue, then one message of globex', then a worker comes."""
    crew.environment["BROKER_TRANSPORT"] = request.param
    flood = shop.post("good", FLOOD, seconds=0.05)
    sweeper = crew.sweeper()
    eventually(lambda: all(row.sends for row in shop.open()), what="the flood is sent")
    [quiet] = neighbour.post("good")
    eventually(lambda: all(row.sends for row in shop.open()), what="and the neighbour's message behind it")
    assert sweeper.starts == 1
    return flood, quiet


def left_when_done(crew, shop, neighbour, quiet):
    """How much of the flood was still there when the neighbour's message was done."""
    crew.worker(concurrency=2)
    began = time.monotonic()
    eventually(lambda: quiet in neighbour.effects(), what="the neighbour's message is done")
    left = len(shop.open())
    told(f"{left} of {FLOOD} left after {time.monotonic() - began:.1f} s")
    return left


@pytest.mark.parametrize("flood", ["fairqueue"], indirect=True)
def test_a_neighbour_is_served_before_the_flood_is_over(crew, shop, neighbour, flood):
    assert left_when_done(crew, shop, neighbour, flood[1]) > FLOOD * 0.8


@pytest.mark.parametrize("flood", ["redis"], indirect=True)
def test_on_the_stock_transport_it_comes_last(crew, shop, neighbour, flood):
    """So that the test above is seen to be able to fail."""
    assert left_when_done(crew, shop, neighbour, flood[1]) < FLOOD * 0.2


def test_a_paused_tenants_messages_wait_and_its_neighbours_do_not(crew, shop, neighbour):
    slug, actor = shop.tenant.slug, Actor.system("test")
    crew.sweeper()
    crew.worker(concurrency=2)
    with enter_public():
        pause_processing(slug=slug, reason="to see it wait", actor=actor)
    neighbour.post("good")
    eventually(lambda: not shop.open(), what="the workers are there, and the sweeper has told the broker")
    waiting = shop.post("good", 3)
    done = neighbour.post("good", 3)
    eventually(lambda: set(done) <= set(neighbour.effects()), what="the neighbour's are done")
    assert shop.effects() == []
    with enter_public():
        resume_processing(slug=slug, actor=actor)
    eventually(lambda: not shop.open(), what="its messages go on")
    assert sorted(shop.effects()) == sorted(waiting)
