"""One company floods the product with bookings; another's ride is confirmed as if it were alone."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis

from tests.scenarios.rider import BehindTheScenes, Rider, eventually
from tests.support.crew import told
from wildrydes.devstack import Stack
from wildrydes.devstack.dialogue import RIDE
from wildrydes.devstack.logins import Login

FLOOD = 60
NOTICE = "UPDATE messaging_routingstate SET generation = generation + 1 RETURNING generation"
WORKERS = ("worker-basic", "worker-premium", "worker-enterprise")


@pytest.fixture
def in_one_queue(stack: Stack, logins: dict[str, Login]) -> Iterator[tuple[Rider, Rider]]:
    """A noisy and a quiet rider whose companies share their queues."""
    noisy, quiet = (Rider(stack, logins[tier]) for tier in ("enterprise", "premium"))
    behind, slugs = BehindTheScenes(stack, quiet.slug), [noisy.slug, quiet.slug]
    behind.rows(
        "INSERT INTO messaging_routingchoice (id, tenant_id, queue_class, strategy, options)"
        " SELECT gen_random_uuid(), id, '', 'fair', '{}' FROM registry_tenant WHERE slug = ANY(%s) RETURNING id",
        slugs,
    )
    behind.rows(NOTICE)
    valkey = stack.servers.valkey
    assert valkey is not None
    client = redis.Redis.from_url(valkey.client_url)

    def taken() -> int:
        return int(client.hget("fairqueue:bookings.fair:state", "claims") or 0)  # type: ignore[arg-type]

    before = taken()

    def moved() -> bool:
        for rider in (noisy, quiet):
            rider.follow(ride(rider, hours=40))
        return taken() >= before + 2

    eventually(moved, what="every process has noticed the new routing")
    yield noisy, quiet
    stack.heal()
    behind.rows(
        "DELETE FROM messaging_routingchoice USING registry_tenant t WHERE t.id = tenant_id AND t.slug = ANY(%s) RETURNING t.id",
        slugs,
    )
    behind.rows(NOTICE)


def ride(rider: Rider, *, hours: int) -> dict[str, object]:
    at = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    answer = rider.call("POST", "/api/v1/bookings", {**RIDE, "pickup_at": at}, {"Idempotency-Key": f"{time.time_ns()}"})
    assert answer.status == 202, answer.data
    return dict(answer.json())


def test_a_ride_behind_anothers_flood_is_confirmed_as_if_it_were_alone(
    stack: Stack, in_one_queue: tuple[Rider, Rider]
) -> None:
    noisy, quiet = in_one_queue

    def timed(act: Callable[[], object]) -> float:
        began = time.monotonic()
        act()
        return time.monotonic() - began

    def confirm() -> None:
        assert quiet.follow(ride(quiet, hours=30))["status"] == "succeeded"

    alone = max(timed(confirm) for _ in range(3))
    for name in WORKERS:
        stack.stop_process(name)
    with ThreadPoolExecutor(4) as crowd:
        flood = list(crowd.map(lambda number: ride(noisy, hours=2 + number // 6), range(FLOOD)))
    behind = ride(quiet, hours=30)
    for name in WORKERS:
        stack.start_process(name)

    def ended(operations: list[dict[str, object]]) -> int:
        query = "SELECT count(*) FROM api_operation WHERE id = ANY(%s::uuid[]) AND finished_at IS NOT NULL"
        [row] = BehindTheScenes(stack, noisy.slug).rows(query, [operation["id"] for operation in operations])
        return int(row["count"])

    assert quiet.follow(behind, within=90)["status"] == "succeeded"
    done = ended(flood)
    assert done < FLOOD / 2, "it did not wait for the flood's end"
    under = timed(confirm)
    left = FLOOD - ended(flood)
    assert left > 0, "the flood was still going on"
    told(f"{done} of {FLOOD} ended before it; then {under:.1f} s beside the flood ({left} left), {alone:.1f} s alone")
    assert under < max(5.0, 5 * alone)
    eventually(lambda: ended(flood) == FLOOD, within=120, what="the flood ends too")
