"""Poison of ten kinds among good messages, on real workers: `make poison` does it with 1,000 of them."""

import os
import time
import uuid
from collections import Counter

from django.db import transaction

from messaging.models import Delivery
from messaging.services import publish
from tenants.registry.context import enter_public, enter_tenant
from tests.messaging.processes.poison import Misfit
from tests.support.crew import eventually, told

EACH = int(os.environ.get("POISON", "20")) // 10
GOOD = 10 * EACH + 40
# kind: (why it died, how often its handler may be started)
KINDS = {
    "raise": ("attempts", "builtins.ValueError", 3),
    "reject": ("rejected", "messaging.errors.Reject", 1),
    "bad_outcome": ("attempts", "builtins.ValueError", 3),
    "memory": ("attempts", "builtins.MemoryError", 3),
    "exit": ("crashes", "", 3),
    "segfault": ("crashes", "", 3),
    "hang": ("crashes", "", 3),
    "misfit": ("rejected", "messaging.envelopes.Unreadable", 0),
    "missing": ("rejected", "messaging.envelopes.Unreadable", 0),
    "no_tenant": ("rejected", "", 0),
}


def spoil(shop, kind, delivery):
    """What a handler cannot be told to do: the message itself is wrong."""
    if kind == "misfit":
        with enter_tenant(shop.tenant), transaction.atomic():
            delivery.message_id = publish(Misfit(nothing_that_fits=1))
    elif kind == "missing":
        delivery.message_id = uuid.uuid4()
    elif kind == "no_tenant":
        delivery.tenant_id = uuid.uuid4()
    with enter_public():
        delivery.save(update_fields=["message_id", "tenant_id"])


def test_poison_ends_and_good_ones_are_done(crew, shop):
    good, kind_of = [], {}
    for kind in KINDS:
        good += shop.post("good", GOOD // len(KINDS))
        before = {row.id for row in shop.open()}
        shop.post(kind, EACH)
        for delivery in shop.open():
            if delivery.id not in before:
                kind_of[delivery.id] = kind
                spoil(shop, kind, delivery)
    began = time.monotonic()
    crew.sweeper()
    crew.worker(pool="prefork", concurrency=4 if EACH > 10 else 2)
    eventually(lambda: set(good) <= set(shop.effects()), within=600, what="the good ones are done")
    good_done = time.monotonic() - began
    eventually(lambda: not shop.open(), within=60 + 12 * EACH, what="all has ended")
    told(
        f"{len(kind_of)} poison, {len(good)} good: good ones done in {good_done:.1f} s, "
        f"all ended in {time.monotonic() - began:.1f} s"
    )
    assert sorted(shop.effects()) == sorted(good), "done once each"
    found = Counter((kind_of[row.id], row.reason, row.error_class) for row in shop.letters())
    assert found == Counter({(kind, reason, error): EACH for kind, (reason, error, _) in KINDS.items()})
    starts = Counter(delivery for _, delivery, _ in crew.starts())
    for delivery, kind in kind_of.items():
        assert starts[str(delivery)] <= KINDS[kind][2], f"{kind} was started too often"
    without_outcome = {kind_of[row.id] for row in shop.letters() if not row.outcome_committed}
    assert without_outcome == {"bad_outcome", "misfit", "missing", "no_tenant"}
    assert not Delivery.objects.exists()
