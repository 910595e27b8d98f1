"""Overflow episodes, from the rows that a backlog is made of to the queue that goes when it is empty."""

import uuid
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from audit.services import Actor
from messaging.models import Delivery
from messaging.outbox import Wakeup, WakeupSender
from messaging.routing import choices, measures, queue_for, served_queues
from messaging.routing.models import HandlingMeasure, OverflowEpisode, ServedQueue
from messaging.routing.services import Place, Wish, choose
from messaging.routing.steward import Steward
from tests.messaging.deadletters.letters import fail
from tests.messaging.sample import DoThing

ACTOR = Actor.system("a test")
OVER = "bookings.basic.over-acme"


@pytest.fixture
def steward(tenant, wakeups):
    choose(
        wish=Wish(
            place=Place(tier="basic"),
            strategy="overflow",
            options={"backlog": 4, "samples": 5, "seconds": 1, "errors": 0.5, "calm": 10, "weight": 0.2},
        ),
        actor=ACTOR,
    )
    choices.forget()
    return Steward()


@pytest.fixture
def backlog(posted):
    return lambda count: [posted(DoThing(thing_id=uuid.uuid4())) for _ in range(count)]


def episode():
    return OverflowEpisode.objects.get()


def time_passes(seconds):
    OverflowEpisode.objects.exclude(calm_since=None).update(calm_since=Now() - timedelta(seconds=seconds))


def test_a_backlog_moves_the_tenant_and_workers_serve_its_queue_by_weight(steward, backlog, tenant, other_tenant):
    backlog(4)
    steward.step()
    assert not OverflowEpisode.objects.exists()
    assert queue_for(tenant, "bookings") == "bookings.basic"
    backlog(1)
    steward.step()
    assert (episode().queue, episode().trigger, episode().stage, episode().backlog) == (OVER, "backlog", "moved", 5)
    assert queue_for(tenant, "bookings") == OVER
    assert queue_for(tenant, "payments") == "payments.basic"
    assert queue_for(other_tenant, "bookings") == "bookings.premium"
    served = served_queues(["basic"], ["bookings"])
    assert (served[OVER].weight, served["bookings.basic"].weight) == (0.2, 1.0)
    assert ServedQueue.objects.get(name=OVER).weight == 0.2


def test_it_returns_by_itself_and_is_over_only_when_its_queue_is_empty(steward, backlog, tenant, wakeups):
    backlog(5)
    steward.step()
    sender = WakeupSender(5.0)
    sender.send([Wakeup(uuid.uuid4(), 0, OVER, str(tenant.id))])
    Delivery.objects.all().delete()
    steward.step()
    assert episode().calm_since is not None
    assert queue_for(tenant, "bookings") == OVER
    time_passes(11)
    steward.step()
    assert episode().stage == "returning"
    assert episode().returning_at is not None
    assert queue_for(tenant, "bookings") == "bookings.basic"
    steward.step()
    assert OVER in served_queues(["basic"], ["bookings"])
    assert episode().stage == "returning", "one message is still there"
    wakeups.client.flushdb()
    steward.step()
    assert (episode().stage, episode().closed_at is not None, episode().most_waiting) == ("over", True, 5)
    assert ServedQueue.objects.get(name=OVER).retiring_since is not None
    ServedQueue.objects.filter(name=OVER).update(retiring_since=Now() - timedelta(minutes=5))
    assert OVER in steward.step().gone
    assert OVER not in served_queues(["basic"], ["bookings"])


@pytest.mark.parametrize(
    ("seconds", "failures", "trigger"), [(3.0, 0, "slow"), (0.1, 5, "errors")], ids=["slow", "errors"]
)
def test_what_workers_measure_moves_the_tenant_too(steward, tenant, monkeypatch, seconds, failures, trigger):
    choices.reread()
    monkeypatch.setattr(measures, "WRITE_SECONDS", 0.0)
    for _ in range(failures):
        measures.failed(tenant.id, "bookings")
    for _ in range(5):
        measures.handled(tenant.id, "bookings", seconds)
    steward.step()
    assert episode().trigger == trigger
    assert queue_for(tenant, "bookings") == OVER


def test_only_those_who_may_overflow_are_measured(steward, other_tenant, monkeypatch):
    choices.reread()
    monkeypatch.setattr(measures, "WRITE_SECONDS", 0.0)
    measures.handled(other_tenant.id, "bookings", 9.0)
    measures.handled(None, "bookings", 9.0)
    assert not HandlingMeasure.objects.exists()


def test_a_handler_that_fails_is_measured_by_the_engine(steward, tenant, posted, recorder, monkeypatch, drain):
    monkeypatch.setattr(measures, "WRITE_SECONDS", 0.0)
    recorder.do = fail(ValueError("no"))
    posted(DoThing(thing_id=uuid.uuid4()))
    drain()
    found = HandlingMeasure.objects.get(queue_class="bookings")
    assert found.tenant_id == tenant.id
    assert found.handled == found.failed > 0


def test_a_choice_that_is_taken_back_ends_the_episode_when_the_queue_is_empty(steward, backlog, tenant, wakeups):
    backlog(5)
    steward.step()
    WakeupSender(5.0).send([Wakeup(uuid.uuid4(), 0, OVER, str(tenant.id))])
    choose(wish=Wish(place=Place(tier="basic")), actor=ACTOR)
    choices.forget()
    assert queue_for(tenant, "bookings") == "bookings.basic"
    steward.step()
    assert episode().stage == "returning"
    assert OVER in served_queues(["basic"], ["bookings"])
    wakeups.client.flushdb()
    steward.step()
    assert episode().stage == "over"


def test_a_second_episode_is_a_row_of_its_own(steward, backlog):
    backlog(5)
    steward.step()
    OverflowEpisode.objects.update(stage="over", closed_at=Now())
    choices.changed()
    steward.step()
    assert OverflowEpisode.objects.count() == 2


def test_a_tenant_that_is_gone_holds_nobody_up(steward, backlog):
    backlog(5)
    Delivery.objects.update(tenant_id=uuid.uuid4())
    steward.step()
    assert not OverflowEpisode.objects.exists()
