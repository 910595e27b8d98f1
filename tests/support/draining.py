"""Working off deliveries in the test's own process, through the engine that workers use."""

import time
from datetime import timedelta

from django.db.models.functions import Now

from messaging.consuming import deliver
from messaging.models import Delivery
from tenants.registry.context import enter_public


def drain(*, include_delayed: bool = False, limit: int = 500, seconds: float = 30.0) -> int:
    """Deliver what can be claimed until nothing is left; answers how many were worked on.

    With `include_delayed`, what is delayed (retries, deadlines) is made due first, round by round.

    Raises:
        AssertionError: when `limit` deliveries or `seconds` were not enough: something goes round in circles.
    """
    done, give_up = 0, time.monotonic() + seconds
    while True:
        with enter_public():
            if include_delayed:
                Delivery.objects.filter(claim_id=None).update(not_before=Now() - timedelta(seconds=1))
            claimable = Delivery.objects.filter(claim_id=None, not_before__lte=Now()).order_by("not_before")
            ready = list(claimable.values_list("id", "tenant_id"))
        worked = sum(deliver(delivery_id, tenant_id=tenant_id) for delivery_id, tenant_id in ready)
        done += worked
        if not worked:
            return done
        assert done < limit, "drain() goes round in circles"
        assert time.monotonic() < give_up, "drain() takes too long"
