"""How many workers a tier needs."""

import json

import pytest
from django.core.management import CommandError, call_command

from fairqueue.views import GroupView
from messaging.fairness import needing
from messaging.fairness.figures import queue_figures
from messaging.fairness.needing import Need, need_figures, needs
from messaging.outbox import Wakeup, WakeupSender
from tenants.registry.models import Tier
from wildrydes.kernel.ids import new_id


def need(**given):
    return Need(
        **{
            "pool": "basic",
            "waiting": 0,
            "oldest_seconds": 0,
            "work_seconds": 0,
            "busy": 0,
            "level_seconds": 10,
            **given,
        }
    )


def waits(queue, count, tenant):
    """Let so many wait there."""
    sender = WakeupSender(5.0)
    sender.send([Wakeup(new_id(), 0, queue, str(tenant.id)) for _ in range(count)])
    sender.close()


@pytest.mark.parametrize(
    ("given", "needed"),
    [({}, 1), ({"busy": 3.2}, 4), ({"work_seconds": 100}, 10), ({"work_seconds": 101, "busy": 2}, 13)],
    ids=["idle", "busy", "backlog", "both"],
)
def test_what_comes_in_goes_on_and_what_waits_is_done_within_the_level(given, needed):
    assert need(**given).needed == needed


def test_each_tier_counts_its_own_queues(tenant, wakeups):
    waits("bookings.basic", 7, tenant)
    waits("payments.basic.own-acme", 2, tenant)
    waits("rfq.fair", 5, tenant)
    found = {each.pool: each for each in needs()}
    assert {pool: each.waiting for pool, each in found.items()} == {
        "basic": 9, "premium": 0, "enterprise": 0, "platform": 5,
    }  # fmt: skip
    assert found["basic"].level_seconds == Tier.objects.get(code="basic").service_level_seconds
    assert found["platform"].level_seconds == min(Tier.objects.values_list("service_level_seconds", flat=True))


def test_what_is_paused_needs_nobody(tenant, monkeypatch):
    group = {
        "group": "g", "waiting": 50, "in_flight": 0, "oldest": 9.0, "share": 0.0, "expected": 2.0, "noisy": False,
        "weight": 1.0, "cap": None,
    }  # fmt: skip
    groups = [GroupView(**group, paused=False), GroupView(**group, paused=True)]
    monkeypatch.setattr(needing, "fair_groups", lambda: [("bookings.basic", 1.5, groups)])
    basic = next(each for each in needs() if each.pool == "basic")
    assert (basic.waiting, basic.work_seconds, basic.busy) == (50, 100.0, 1.5)


def test_the_command_and_the_metric_say_the_same(tenant, wakeups, capsys):
    waits("bookings.premium", 3, tenant)
    call_command("backlog", "--json")
    told = {each["tier"]: each for each in json.loads(capsys.readouterr().out)}
    assert told["premium"]["waiting"] == 3
    (family,) = need_figures()
    assert {sample.labels["tier"]: sample.value for sample in family.samples} == {
        tier: each["needed"] for tier, each in told.items()
    }
    call_command("backlog")
    assert "premium" in capsys.readouterr().out


@pytest.mark.parametrize("wakeups", ["redis"], indirect=True)
def test_without_turns_it_says_so(wakeups, tenant):
    assert need_figures() == []
    with pytest.raises(CommandError, match="BROKER_TRANSPORT"):
        call_command("backlog")


def test_no_metric_names_a_tenant(tenant, wakeups):
    waits("payments.enterprise.own-acme", 2, tenant)
    waits("payments.enterprise.own-globex", 3, tenant)
    samples = [sample for family in queue_figures() for sample in family.samples]
    assert not any("acme" in sample.labels["queue"] for sample in samples)
    waiting = [sample.value for sample in samples if sample.name == "wildrydes_queue_waiting_messages"]
    assert waiting == [5]
