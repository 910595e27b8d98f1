"""What is counted, at each turn that a delivery can take."""

import time
import uuid

import pytest
from django.db import transaction
from prometheus_client import REGISTRY

from messaging import metrics
from messaging.beats import BeatRow, seen_lately
from messaging.consuming import deliver
from messaging.errors import PutBack, Reject
from messaging.exporter import Exporter
from messaging.gauges import look
from messaging.models import Delivery, ProcessBeat
from messaging.services import publish, send
from messaging.sweeper import Sweeper
from tenants.registry.context import enter_tenant
from tests.messaging.conftest import end_lease, make_due
from tests.messaging.sample import DoThing, ThingHappened

BASIC = {"tier": "basic", "queue_class": "bookings"}


class Since:
    """How much counters rose since this was made."""

    def __init__(self) -> None:
        self._before = self._read()

    @staticmethod
    def _read() -> dict[tuple, float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return self._read().get(key, 0.0) - self._before.get(key, 0.0)


@pytest.fixture
def rose(committed, posted):
    posted()  # the sample's queue class, whatever it is
    BASIC["queue_class"] = Delivery.objects.get().queue_class
    Delivery.objects.all().delete()
    return Since()


def raising(error):
    def handler(message):
        raise error

    return handler


def test_sent_is_counted_at_the_commit_and_not_before(rose, tenant):
    with enter_tenant(tenant):
        with pytest.raises(RuntimeError), transaction.atomic():
            send(DoThing(thing_id=uuid.uuid4()))
            raise RuntimeError
        assert rose("messaging_client_sent_messages_total", **BASIC) == 0
        with transaction.atomic():
            publish(ThingHappened(thing_id=uuid.uuid4()))
            assert rose("messaging_client_sent_messages_total", **BASIC) == 0
    sent = sum(rose("messaging_client_sent_messages_total", tier="basic", queue_class=c) for c in metrics.QueueClass)
    assert sent == Delivery.objects.count() > 1


def test_a_delivery_that_is_done(rose, posted):
    assert deliver(posted().id)
    assert rose("messaging_client_consumed_messages_total", **BASIC) == 1
    assert rose("messaging_process_duration_seconds_count", **BASIC) == 1
    assert not deliver(uuid.uuid4())
    assert rose("messaging_client_consumed_messages_total", **BASIC) == 1


def test_retries_and_dead_letters(rose, posted, recorder):
    recorder.do = raising(ValueError("no"))
    delivery = posted()
    deliver(delivery.id)
    assert rose("wildrydes_messaging_retries_total", **BASIC) == 1
    make_due(delivery)
    recorder.do = raising(Reject("never"))
    deliver(delivery.id)
    assert rose("wildrydes_messaging_dead_letters_total", reason="rejected", **BASIC) == 1
    assert rose("wildrydes_messaging_retries_total", **BASIC) == 1
    figures = {(s.name, s.labels.get("tier")): s.value for family in look() for s in family.samples}
    assert figures["wildrydes_messaging_dead_letters_open", "basic"] == 1
    assert figures["wildrydes_messaging_dead_letters_open", "premium"] == 0


def test_put_backs_say_why(rose, posted, recorder):
    recorder.do = raising(PutBack("wait"))
    deliver(posted().id)
    assert rose("wildrydes_messaging_put_backs_total", reason="asked", **BASIC) == 1
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(handler="of.tomorrow")
    deliver(delivery.id)
    assert rose("wildrydes_messaging_put_backs_total", reason="newer_code", **BASIC) == 1


def test_a_lost_lease_and_its_takeover(rose, posted, recorder):
    delivery = posted()
    # As another worker does that takes the row over meanwhile.
    recorder.do = lambda message: Delivery.objects.filter(id=delivery.id).update(claim_id=uuid.uuid4())
    deliver(delivery.id)
    assert rose("wildrydes_messaging_leases_lost_total", **BASIC) == 1
    assert deliver(posted().id)
    recorder.do = None
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(claim_id=uuid.uuid4(), lease_until="2020-01-01T00:00Z")
    end_lease(delivery)
    Sweeper().pass_once()
    assert rose("wildrydes_messaging_takeovers_total", **BASIC) == 1
    assert rose("wildrydes_messaging_wakeups_total", path="sweeper") >= 1


def test_nothing_names_a_tenant(rose, posted, tenant):
    deliver(posted().id)
    told = repr([sample for family in (*REGISTRY.collect(), *look()) for sample in family.samples])
    assert tenant.slug not in told
    assert str(tenant.id) not in told


def test_backlog_is_told_as_zero_and_with_its_age(rose, posted):
    def backlog():
        return {
            (s.labels["tier"], s.labels["queue_class"]): s.value
            for family in look()
            if family.name == "wildrydes_messaging_backlog_messages"
            for s in family.samples
        }

    empty = backlog()
    assert set(empty.values()) == {0}
    assert ("enterprise", "payments") in empty
    assert ("platform", "control") in empty
    posted()
    assert backlog()["basic", BASIC["queue_class"]] == 1


def test_an_old_look_is_not_told_as_if_it_were_new(committed, monkeypatch):
    exporter = Exporter()
    exporter.look()
    assert "wildrydes_messaging_backlog_messages" in {family.name for family in exporter.collect()}
    monkeypatch.setattr("messaging.exporter.STALE_AFTER_SECONDS", 0.0)
    told = {family.name: family for family in exporter.collect()}
    assert "wildrydes_messaging_backlog_messages" not in told
    assert {s.labels["dependency"]: s.value for s in told["wildrydes_dependency_up"].samples} == {
        "database": 1,
        "broker": 1,
    }


def test_processes_are_seen_until_they_are_silent_or_say_goodbye(committed):
    row = BeatRow("sweeper")
    row.write()
    row.write()
    assert seen_lately()["sweeper"].alive == 1
    ProcessBeat.objects.update(seen_at="2020-01-01T00:00Z")
    assert seen_lately()["sweeper"].alive == 0
    row.write()
    assert seen_lately()["sweeper"].alive == 1
    row.remove()
    assert "sweeper" not in seen_lately()


def test_counting_costs_next_to_nothing():
    """Less than one hundredth of an empty message, which takes two milliseconds or more (bench-pipeline)."""
    began = time.perf_counter()
    for _ in range(2_000):
        metrics.count(metrics.SENT, "basic", "bookings")
        metrics.count(metrics.WAKEUPS, "fast")
        with metrics.processing(None, "bookings"):
            pass
    assert (time.perf_counter() - began) / 2_000 < 0.000_1
