"""What is nobody's fault is put back uncounted, ever more slowly, and not for ever."""

import uuid
from datetime import timedelta

import psycopg.errors
import pytest
from django.db import InternalError, OperationalError, connection, connections
from django.db.models.functions import Now

from messaging import putting_back, taking
from messaging.consuming import deliver
from messaging.errors import PutBack
from messaging.models import DeadLetter, Delivery
from tests.messaging.conftest import make_due
from tests.messaging.test_consuming import fail, state


def caused(error, cause):
    error.__cause__ = cause
    return error


def seconds_ahead(delivery):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM not_before - clock_timestamp())::float FROM messaging_delivery WHERE id = %s",
            [delivery.id],
        )
        return cursor.fetchone()[0]


BAD_MOMENTS = [
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DiskFull,
]


@pytest.mark.parametrize("cause", BAD_MOMENTS, ids=lambda cause: cause.__name__)
def test_a_bad_moment_is_not_an_attempt(posted, recorder, cause):
    delivery = posted()
    recorder.do = fail(caused(OperationalError("bad moment"), cause("bad moment")))
    assert deliver(delivery.id)
    row = state(delivery)
    assert (row.attempts, row.crashes, row.put_backs, row.claim_id) == (0, 0, 1, None)
    assert seconds_ahead(delivery) < 0.3
    recorder.do = None
    make_due(delivery)
    deliver(delivery.id)
    assert state(delivery) is None


def test_a_statement_that_takes_too_long_is_an_attempt(posted, recorder):
    delivery = posted()
    recorder.do = fail(caused(OperationalError("timeout"), psycopg.errors.QueryCanceled("timeout")))
    deliver(delivery.id)
    assert state(delivery).attempts == 1


def test_a_message_that_always_meets_a_bad_moment_ends_too(posted, recorder):
    delivery = posted()
    recorder.do = fail(caused(OperationalError("deadlock"), psycopg.errors.DeadlockDetected("deadlock")))
    for _ in range(3 * (putting_back.COINCIDENCES + 1)):
        make_due(delivery)
        deliver(delivery.id)
    assert DeadLetter.objects.get(id=delivery.id).reason == "attempts"
    assert len(recorder.seen) == 3 * (putting_back.COINCIDENCES + 1)


def test_what_nobody_knows_is_looked_at_ever_more_rarely(posted, recorder):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(handler="sample.from_the_future")
    waits = []
    for _ in range(8):
        make_due(delivery)
        assert deliver(delivery.id)
        waits.append(seconds_ahead(delivery))
    row = state(delivery)
    assert (row.put_backs, row.attempts, row.crashes) == (8, 0, 0)
    assert 2.4 < waits[0] <= 5.0
    assert waits[-1] > 50.0
    assert max(waits) <= 120.0


def test_what_nobody_knew_for_a_day_is_given_up(posted, recorder):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(
        handler="sample.removed", put_back_since=Now() - timedelta(hours=25), put_backs=700
    )
    deliver(delivery.id)
    letter = DeadLetter.objects.get(id=delivery.id)
    assert (letter.reason, letter.outcome_committed) == ("stranded", False)
    assert state(delivery) is None


def test_what_asked_to_be_put_back_for_a_day_ends_with_its_outcome(posted, recorder):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(put_back_since=Now() - timedelta(hours=25))
    recorder.do = fail(PutBack("still not", after=2.0))
    deliver(delivery.id)
    letter = DeadLetter.objects.get(id=delivery.id)
    assert (letter.reason, letter.outcome_committed) == ("stranded", True)
    assert len(recorder.outcomes) == 1


def test_a_day_old_put_back_is_forgotten_once_it_works(posted, recorder):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(put_back_since=Now() - timedelta(hours=25))
    deliver(delivery.id)
    assert state(delivery) is None
    assert not DeadLetter.objects.exists()


def test_an_attempt_forgets_the_put_backs(posted, recorder):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(put_backs=7, put_back_since=Now())
    recorder.do = fail(ValueError("at work again"))
    deliver(delivery.id)
    row = state(delivery)
    assert (row.attempts, row.put_backs, row.put_back_since) == (1, 0, None)


def test_an_outcome_that_raises_after_crashes_is_tried_four_times_more_and_the_handler_not_at_all(posted, recorder):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(crashes=2)
    recorder.on_dead = fail(ValueError("outcome is broken"))
    tries = 0
    while state(delivery) is not None and tries < 20:
        make_due(delivery)
        deliver(delivery.id)
        tries += 1
    letter = DeadLetter.objects.get(id=delivery.id)
    assert (letter.reason, letter.outcome_committed, tries) == ("crashes", False, 5)
    assert recorder.seen == []


def test_a_database_that_is_away_is_waited_for_with_the_message_in_hand(posted, recorder, monkeypatch):
    delivery = posted()
    tries = []

    def claim_when_back(delivery_id, *, suspects):
        tries.append(delivery_id)
        if len(tries) < 3:
            raise caused(InternalError("read-only"), psycopg.errors.ReadOnlySqlTransaction("read-only"))
        return

    monkeypatch.setattr(taking, "_take", claim_when_back)
    monkeypatch.setattr(taking.connection, "close", lambda: None)
    assert not deliver(delivery.id)
    assert len(tries) == 3


def test_a_connection_cut_under_a_handler_costs_no_attempt(committed, posted, recorder):
    delivery = posted()

    def cut(message):
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [pid] = cursor.fetchone()
        terminate(pid)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    recorder.do = cut
    assert deliver(delivery.id)
    row = state(delivery)
    assert (row.attempts, row.crashes, row.put_backs, row.claim_id) == (0, 0, 1, None)
    recorder.do = None
    make_due(delivery)
    deliver(delivery.id)
    assert state(delivery) is None


def test_a_connection_cut_before_the_claim_is_made_anew(committed, posted, recorder):
    delivery = posted()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    terminate(pid)
    assert deliver(delivery.id)
    assert state(delivery) is None


def terminate(pid):
    """End a session, from another one."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_an_unknown_delivery_is_nobodys(db, recorder):
    assert not deliver(uuid.uuid4())
