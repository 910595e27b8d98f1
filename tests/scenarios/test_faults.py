"""A ride per tier through the public API, and what it survives: lost messages, absent workers, a killed database."""

from collections.abc import Callable

import pytest

from tests.scenarios.rider import eventually
from wildrydes.devstack import Stack
from wildrydes.devstack.dialogue import Visitor

Visit = Callable[[str], Visitor]


@pytest.mark.parametrize("tier", ["basic", "premium", "enterprise"])
def test_a_ride_is_booked_confirmed_and_rewarded(visit: Visit, tier: str) -> None:
    visitor = visit(tier)
    before = visitor.points()

    ride = visitor.follow(visitor.book())

    assert ride["state"] == "confirmed"
    assert ride["unicorn"]["name"]
    assert visitor.more_points(before) > 0


def test_a_ride_survives_the_loss_of_everything_the_broker_had(stack: Stack, visit: Visit) -> None:
    visitor = visit("basic")
    stack.stop_process("worker-basic")
    operation = visitor.book()

    stack.servers.valkey.destroy()
    stack.servers.valkey.start()
    stack.start_process("worker-basic")

    assert visitor.follow(operation)["state"] == "confirmed"


def test_a_ride_waits_for_its_workers(stack: Stack, visit: Visit) -> None:
    visitor = visit("premium")
    stack.stop_process("worker-premium")

    operation = visitor.book()

    stack.start_process("worker-premium")
    assert visitor.follow(operation)["state"] == "confirmed"


def test_a_database_that_was_killed_is_found_again_by_all_processes(stack: Stack, visit: Visit) -> None:
    visitor = visit("enterprise")

    stack.servers.postgres.kill()
    stack.servers.postgres.start()
    stack.wait_healthy()

    assert visitor.follow(visitor.book())["state"] == "confirmed"


def test_a_worker_that_starts_while_the_database_is_away_waits_for_it(stack: Stack, visit: Visit) -> None:
    visitor = visit("basic")
    stack.stop_process("worker-basic")
    stack.servers.postgres.stop()
    try:
        stack.start_process("worker-basic")
        worker = stack.process("worker-basic")
        started = worker.pid
        eventually(lambda: "worker.waits_for_database" in stack.log.last_words("worker-basic") or worker.pid != started)
    finally:
        stack.servers.postgres.start()

    stack.wait_healthy()
    assert worker.pid == started
    assert visitor.follow(visitor.book())["state"] == "confirmed"
