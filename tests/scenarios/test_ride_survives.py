"""A ride survives what can be killed under it, and is charged once."""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest

from tests.scenarios.rider import BehindTheScenes, Rider, eventually
from wildrydes.devstack import Stack
from wildrydes.devstack.logins import Login


@pytest.fixture
def rider(stack: Stack, logins: dict[str, Login]) -> Rider:
    return Rider(stack, logins["enterprise"])


@pytest.fixture
def behind(stack: Stack, rider: Rider) -> Iterator[BehindTheScenes]:
    scenes = BehindTheScenes(stack, rider.slug)
    yield scenes
    scenes.reset()


def _booking_id(operation):
    return operation["links"]["resource"].rsplit("/", 1)[-1]


def _check_confirmed_and_charged_once(rider, behind, operation, *, within=60.0):
    ended = rider.follow(operation, within=within)
    assert ended["status"] == "succeeded", ended
    ride = ended["result"]
    assert ride["paid_by"] == "card"
    assert behind.charges(ride["id"]) == [("succeeded", ride["fare"]["amount_minor"])]
    assert not behind.rows(
        "SELECT FROM messaging_deadletter WHERE correlation_id = %s", _correlation(behind, operation)
    )


def _correlation(behind, operation):
    [row] = behind.rows("SELECT correlation_id FROM api_operation WHERE id = %s", operation["id"])
    return row["correlation_id"]


def test_without_a_broker_rides_are_accepted_and_confirmed_once_it_is_back(stack, rider, behind):
    stack.servers.valkey.stop()
    try:
        operations = [rider.book() for _ in range(3)]
        assert {rider.call("GET", operation["links"]["self"]).json()["status"] for operation in operations} == {
            "accepted"
        }
    finally:
        stack.servers.valkey.start()
    for operation in operations:
        _check_confirmed_and_charged_once(rider, behind, operation)


@contextmanager
def _holding(behind, query, *parameters):
    """Hold the rows that the query locks, so that a handler that needs them stops right there."""
    with behind.open() as session, session.transaction():
        session.execute(query, parameters)
        yield


_BOOKING = "SELECT FROM bookings_booking WHERE id = %s FOR UPDATE"
_CHARGE = "SELECT FROM payments_charge WHERE booking_id = %s FOR UPDATE"


class Murder:
    """Kills the company's worker at one step of a ride."""

    def __init__(self, stack, behind, rider):
        self.stack, self.behind, self.rider = stack, behind, rider
        self.worker = "worker-enterprise"

    def kill(self):
        self.stack.process(self.worker).kill()

    def in_hand(self, handler, correlation):
        eventually(lambda: self.behind.is_claimed(handler, correlation), what=f"{handler} is worked on")

    def at_the_lock(self):
        eventually(self.behind.waits_for_a_lock, what="the handler stands before the row")

    def while_planning(self):
        self.stack.stop_process(self.worker)
        operation = self.rider.book()
        with _holding(self.behind, _BOOKING, _booking_id(operation)):
            self.stack.start_process(self.worker)
            self.in_hand("bookings.plan_ride", _correlation(self.behind, operation))
            self.at_the_lock()
            self.kill()
        return operation

    def before_the_provider_charged(self):
        self.behind.script("timeout_before")
        operation = self.rider.book()
        self.in_hand("payments.capture", _correlation(self.behind, operation))
        self.kill()
        assert self.behind.charges(_booking_id(operation)) == []
        return operation

    def after_the_provider_charged(self):
        self.behind.script("timeout_after")
        operation = self.rider.book()
        eventually(lambda: self.behind.charges(_booking_id(operation)), what="the charge is in the ledger")
        self.kill()
        return operation

    def while_recording_the_charge(self):
        self.behind.dials(latency_ms=2_000, operations=["charge"])
        operation = self.rider.book()
        self.in_hand("payments.capture", _correlation(self.behind, operation))
        eventually(
            lambda: self.behind.rows(
                "SELECT FROM payments_charge WHERE booking_id = %s AND state = 'calling'", _booking_id(operation)
            )
        )
        with _holding(self.behind, _CHARGE, _booking_id(operation)):
            eventually(lambda: self.behind.charges(_booking_id(operation)))
            self.at_the_lock()
            self.kill()
        return operation

    def while_confirming(self):
        self.behind.dials(latency_ms=2_000, operations=["charge"])
        operation = self.rider.book()
        self.in_hand("payments.capture", _correlation(self.behind, operation))
        with _holding(self.behind, _BOOKING, _booking_id(operation)):
            self.in_hand("bookings.payment_captured", _correlation(self.behind, operation))
            self.at_the_lock()
            self.kill()
        return operation


@pytest.mark.parametrize(
    "moment",
    [
        "while_planning",
        "before_the_provider_charged",
        "after_the_provider_charged",
        "while_recording_the_charge",
        "while_confirming",
    ],
)
def test_a_worker_killed_at_each_step_costs_time_and_nothing_else(stack, rider, behind, moment):
    operation = getattr(Murder(stack, behind, rider), moment)()
    _check_confirmed_and_charged_once(rider, behind, operation, within=120)
    crashes = behind.rows(
        "SELECT max(crashes) AS most FROM journal_trace WHERE correlation_id = %s", _correlation(behind, operation)
    )
    assert crashes[0]["most"] >= 1  # it did hit somebody


def test_fifty_posts_with_one_key_book_and_charge_once_and_are_answered_alike(rider, behind):
    before = len(behind.rows("SELECT FROM bookings_booking"))
    key, start = str(uuid.uuid4()), Barrier(50)

    def post(_):
        start.wait(30)
        answer = rider.post_booking(key=key)
        while answer.status == 409:
            assert int(answer.headers["Retry-After"]) >= 1
            time.sleep(int(answer.headers["Retry-After"]))  # as a good client does
            answer = rider.post_booking(key=key)
        return answer.status, answer.headers.get("Location"), answer.data

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(post, range(50)))
    assert len(answers) == 1, answers
    [(status, _, body)] = answers
    assert status == 202
    operation = json.loads(body)
    _check_confirmed_and_charged_once(rider, behind, operation)
    assert len(behind.rows("SELECT FROM bookings_booking")) == before + 1
