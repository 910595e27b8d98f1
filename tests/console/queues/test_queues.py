"""The page of the queues: what waits, why, and the switch that stops one company's work."""

import time
import uuid

import pytest
from django.db import transaction

from audit.models import Entry
from messaging.fairness.keeping import LimitsKeeper
from messaging.models import Delivery
from messaging.outbox import Wakeup, WakeupSender
from messaging.services import send
from tenants.registry.context import enter_tenant
from tenants.registry.models import Tenant, Tier
from tests.console.conftest import browser, reverse, text_of
from tests.messaging.conftest import sample_topology, wakeups  # noqa: F401  # fixtures
from tests.messaging.sample import DoThing


@pytest.fixture
def delivery(tenant, wakeups, sample_topology):  # noqa: F811  # fixtures
    """A delivery of acme's whose wake-up waits behind ten others of its own."""
    wakeups.fill("bookings.basic", 10, group=tenant.id)
    with enter_tenant(tenant), transaction.atomic():
        message_id = send(DoThing(thing_id=uuid.uuid4()))
    row = Delivery.objects.get(message_id=message_id)
    sender = WakeupSender(2.0)
    sender.send([Wakeup.of(row.id, row.epoch, row.queue_class, tenant)])
    sender.close()
    return row


def page(client, **query):
    return text_of(client.get(reverse("admin:queues"), query))


def test_queues_and_their_companies(delivery, staff, wakeups):  # noqa: F811
    assert "bookings.basic 11 0" in page(staff)
    shown = page(staff, queue="bookings.basic")
    assert "Acme" in shown
    assert "share 1" in shown


@pytest.mark.parametrize("by", ["id", "message_id", "correlation_id"])
def test_why_a_message_waits(delivery, staff, by):
    shown = page(staff, id=getattr(delivery, by))
    assert "It is due." in shown
    assert "10 messages of its own group are before it." in shown


def test_why_a_message_waited_that_is_done(delivery, staff, wakeups):  # noqa: F811
    time.sleep(0.1)  # from here on a wait is one to speak of
    wakeups.take("bookings.basic", 11)
    Delivery.objects.filter(id=delivery.id).delete()
    shown = page(staff, id=delivery.id)
    assert "Taken; it waited" in shown
    assert "10 messages of its own group were before it." in shown


def test_a_company_is_paused_and_resumed_and_both_are_on_record(delivery, wakeups):  # noqa: F811
    operator = browser(role="operator")
    pause, resume = (reverse(f"admin:queues_{act}", args=("acme",)) for act in ("pause", "resume"))
    assert operator.post(pause, {"reason": "  "}).status_code == 200
    assert operator.post(pause, {"reason": "Its provider is down"}).status_code == 302
    assert "Its provider is down" in page(operator)
    LimitsKeeper(wakeups.client).keep()
    assert "paused" in page(operator, queue="bookings.basic")
    assert "Its group is paused." in page(operator, id=delivery.id)
    assert operator.post(resume).status_code == 302
    assert Tenant.objects.get(slug="acme").processing_paused_at is None
    assert list(Entry.objects.filter(subject_type="tenant").order_by("id").values_list("action", "reason")) == [
        ("tenant.pause_processing", "Its provider is down"),
        ("tenant.resume_processing", ""),
    ]


@pytest.mark.parametrize("wakeups", ["redis"], indirect=True)
def test_the_stock_transport_is_said_to_know_no_turns(tenant, wakeups):  # noqa: F811
    operator = browser(role="operator")
    assert "knows no turns" in page(operator)
    answer = operator.post(reverse("admin:queues_pause", args=("acme",)), {"reason": "Its provider is down"})
    assert "cannot pause one company" in text_of(answer)
    assert not Tenant.objects.exclude(processing_paused_at=None).exists()


def test_redis_that_is_away_is_said_to_be(tenant, staff, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "Redis does not answer" in page(staff)


@pytest.mark.parametrize(
    "query",
    [{"queue": "nobody's"}, {"queue": "\x00"}, {"id": "1"}, {"id": "%00" * 40}, {"id": str(uuid.uuid4())}],
    ids=["queue", "nul", "short", "long", "unknown"],
)
def test_what_is_typed_is_answered_in_words(delivery, staff, query):
    answer = staff.get(reverse("admin:queues"), query)
    assert answer.status_code == 200
    assert any(
        words in text_of(answer) for words in ("There is no such queue", "hexadecimal", "No delivery with this id")
    )


@pytest.mark.parametrize("slug", ["nobody", "x" * 300], ids=["unknown", "long"])
def test_an_unknown_company_is_not_found(db, staff, slug):
    for act in ("pause", "resume"):
        assert staff.post(reverse(f"admin:queues_{act}", args=(slug,)), {"reason": "because"}).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("worker_share", "0"),
        ("worker_share", "101"),
        ("worker_share", "nan"),
        ("max_in_work", "0"),
        ("max_in_work", "-1"),
        ("max_in_work", "99999999999"),
    ],
)
def test_a_tiers_limits_are_checked(db, staff, field, value):
    change = reverse("admin:registry_tier_change", args=("basic",))
    form = staff.get(change).context["adminform"].form
    given = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
    assert staff.post(change, given | {field: value}).status_code == 200
    assert staff.post(change, given | {"worker_share": "2.5", "max_in_work": "6"}).status_code == 302
    tier = Tier.objects.get(code="basic")
    assert (tier.worker_share, tier.max_in_work) == (2.5, 6)
