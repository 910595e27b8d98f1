import uuid

import psycopg.errors
import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from messaging.consuming import deliver
from messaging.errors import PutBack, Reject, Retry
from messaging.journal.models import HandlerError, Message, Trace
from messaging.models import DeadLetter, Delivery
from messaging.prepared import WORTH_IT
from messaging.services import publish
from tenants.registry import directory
from tenants.registry.context import current_tenant, enter_tenant
from tenants.registry.models import Tenant, TenantStatus
from tests.messaging.conftest import end_lease, make_due
from tests.messaging.sample import CallOut, DoThing, ThingHappened
from tests.support.tampering import unguarded


def fail(error):
    def raising(*_):
        raise error

    return raising


def state(delivery):
    return Delivery.objects.filter(id=delivery.id).first()


def test_a_handler_runs_once_in_its_tenant_and_leaves_a_trace(posted, recorder, tenant):
    delivery = posted(DoThing(thing_id=uuid.uuid4(), note="hello"))
    recorder.do = lambda message: recorder.steps.append(current_tenant().slug)
    assert deliver(delivery.id)
    assert not deliver(delivery.id)
    assert [message.body.note for message in recorder.seen] == ["hello"]
    assert recorder.steps == ["acme"]
    assert state(delivery) is None
    with enter_tenant(tenant):
        assert Trace.objects.get(id=delivery.id).outcome == "done"


def test_a_failed_attempt_rolls_back_and_is_tried_again_later(posted, recorder, tenant):
    delivery = posted()

    def half_done(message):
        Message.objects.create(kind="event", topic="half", version=1, payload={}, correlation_id=message.correlation_id)
        raise ValueError("bad luck")

    recorder.do = half_done
    deliver(delivery.id)
    row = state(delivery)
    assert (row.attempts, row.crashes, row.claim_id, row.epoch) == (1, 0, None, 1)
    with enter_tenant(tenant):
        assert not Message.objects.filter(topic="half").exists()
        error = HandlerError.objects.get(delivery_id=delivery.id)
    assert (error.attempt, error.error_class, error.text) == (1, "builtins.ValueError", "bad luck")
    recorder.do = None
    make_due(delivery)
    deliver(delivery.id)
    assert state(delivery) is None
    assert [message.attempt for message in recorder.seen] == [1, 2]


def test_exhausted_attempts_commit_the_outcome_with_the_dead_letter(posted, recorder, tenant):
    delivery = posted()
    recorder.do = fail(ValueError("always"))
    for _ in range(3):
        make_due(delivery)
        deliver(delivery.id)
    assert state(delivery) is None
    letter = DeadLetter.objects.get(id=delivery.id)
    assert (letter.reason, letter.error_class, letter.state, letter.outcome_committed) == (
        "attempts",
        "builtins.ValueError",
        "open",
        True,
    )
    assert [cause.detail for _, cause in recorder.outcomes] == ["always"]
    with enter_tenant(tenant):
        assert Trace.objects.get(id=delivery.id).outcome == "dead"
        assert HandlerError.objects.filter(delivery_id=delivery.id).count() == 3


def test_a_rejected_message_is_dead_at_once(posted, recorder):
    delivery = posted()
    recorder.do = fail(Reject("no such thing"))
    deliver(delivery.id)
    assert DeadLetter.objects.get(id=delivery.id).reason == "rejected"
    assert len(recorder.outcomes) == 1


def test_letters_with_one_cause_share_a_fingerprint(posted, recorder):
    recorder.do = fail(Reject("first text"))
    first = posted()
    deliver(first.id)
    recorder.do = fail(Reject("second text"))
    second = posted()
    deliver(second.id)
    assert len(set(DeadLetter.objects.filter(id__in=[first.id, second.id]).values_list("fingerprint", flat=True))) == 1


def test_an_outcome_that_fails_is_tried_again_and_then_buried_without(posted, recorder):
    delivery = posted()
    recorder.do = fail(Reject("never"))
    recorder.on_dead = fail(IntegrityError("outcome is broken"))
    for _ in range(20):
        make_due(delivery)
        if not deliver(delivery.id):
            break
    letter = DeadLetter.objects.get(id=delivery.id)
    assert letter.outcome_committed is False
    assert recorder.outcomes == []


def test_retry_after_is_honoured(posted, recorder):
    delivery = posted()
    recorder.do = fail(Retry("busy", after=30))
    deliver(delivery.id)
    row = state(delivery)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT not_before > clock_timestamp() + interval '25 s' FROM messaging_delivery WHERE id = %s", [row.id]
        )
        assert cursor.fetchone()[0]


@pytest.mark.parametrize("error", [PutBack("not now"), None])
def test_what_is_put_back_counts_nothing(posted, recorder, error):
    delivery = posted()
    if error is None:
        undefined = ProgrammingError("column does not exist")
        undefined.__cause__ = psycopg.errors.UndefinedColumn("column does not exist")
        error = undefined
    recorder.do = fail(error)
    deliver(delivery.id)
    row = state(delivery)
    assert (row.attempts, row.crashes, row.claim_id) == (0, 0, None)


def test_an_unknown_handler_and_a_newer_version_are_put_back(posted, recorder):
    unknown, newer = posted(), posted()
    Delivery.objects.filter(id=unknown.id).update(handler="sample.from_the_future")
    Delivery.objects.filter(id=newer.id).update(version=9)
    assert deliver(unknown.id)
    assert deliver(newer.id)
    assert recorder.seen == []
    for delivery in (unknown, newer):
        assert (state(delivery).attempts, state(delivery).crashes) == (0, 0)


def test_a_suspended_tenants_accepted_work_finishes(posted, recorder, tenant):
    delivery = posted()
    Tenant.objects.filter(id=tenant.id).update(status=TenantStatus.SUSPENDED)
    directory.forget()
    deliver(delivery.id)
    assert len(recorder.seen) == 1


def test_a_half_made_tenants_work_is_put_back(posted, recorder, tenant):
    delivery = posted()
    Tenant.objects.filter(id=tenant.id).update(status=TenantStatus.ONBOARDING)
    directory.forget()
    deliver(delivery.id)
    assert recorder.seen == []
    assert state(delivery).attempts == 0
    directory.forget()


def test_work_of_a_tenant_that_is_gone_is_never_run_in_public(posted, recorder):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(tenant_id=uuid.uuid4())
    deliver(delivery.id)
    assert recorder.seen == []
    assert DeadLetter.objects.get(id=delivery.id).outcome_committed is False


def test_a_tenants_delivery_without_a_tenant_is_never_run(posted, recorder):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(tenant_id=None)
    deliver(delivery.id)
    assert recorder.seen == []
    assert DeadLetter.objects.filter(id=delivery.id).exists()


def test_crashes_are_counted_apart_and_end_too(posted, recorder, drain):
    delivery = posted()
    for _ in range(2):
        recorder.do = None
        Delivery.objects.filter(id=delivery.id).update(claim_id=uuid.uuid4())
        end_lease(delivery)
        if not Delivery.objects.filter(id=delivery.id).exists():
            break
        recorder.do = fail(PutBack("dies again", after=0))
        deliver(delivery.id)
    letter = DeadLetter.objects.get(id=delivery.id)
    assert (letter.reason, letter.crashes, letter.attempts) == ("crashes", 2, 0)
    assert len(recorder.outcomes) == 1


def test_a_stale_holder_changes_nothing(posted, recorder, tenant):
    delivery = posted()

    def lose_the_lease(message):
        Message.objects.create(
            kind="event", topic="stale", version=1, payload={}, correlation_id=message.correlation_id
        )
        Delivery.objects.filter(id=delivery.id).update(claim_id=uuid.uuid4())

    recorder.do = lose_the_lease
    assert deliver(delivery.id)
    with enter_tenant(tenant):
        assert not Message.objects.filter(topic="stale").exists()
        assert not Trace.objects.filter(id=delivery.id).exists()
    assert state(delivery) is not None


def test_an_expired_message_is_dead_lettered_unread(posted, recorder):
    delivery = posted()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_delivery SET expires_at = clock_timestamp() - interval '1 s' WHERE id = %s", [delivery.id]
        )
    deliver(delivery.id)
    assert recorder.seen == []
    assert DeadLetter.objects.get(id=delivery.id).reason == "expired"


def test_a_payload_that_does_not_fit_is_dead_lettered(posted, recorder, tenant):
    delivery = posted()
    with enter_tenant(tenant), unguarded():
        Message.objects.filter(id=delivery.message_id).update(payload={"thing_id": "not a uuid"})
    deliver(delivery.id)
    letter = DeadLetter.objects.get(id=delivery.id)
    assert (letter.reason, letter.outcome_committed) == ("rejected", False)


def test_an_error_with_nul_and_surrogates_is_recorded(posted, recorder, tenant):
    delivery = posted()
    recorder.do = fail(ValueError("a\x00b\ud800"))
    deliver(delivery.id)
    with enter_tenant(tenant):
        assert HandlerError.objects.get(delivery_id=delivery.id).text == "a\\0b\\ud800"


class TestGateway:
    def test_prepares_calls_and_settles(self, posted, recorder):
        deliver(posted(CallOut(thing_id=uuid.uuid4())).id)
        assert recorder.steps == ["prepare", "call", "settle answer"]

    def test_looks_up_before_it_calls_again(self, posted, recorder):
        recorder.sent_before, recorder.known = True, "what happened"
        deliver(posted(CallOut(thing_id=uuid.uuid4())).id)
        assert recorder.steps == ["prepare", "lookup", "settle what happened"]

    def test_calls_when_the_look_up_finds_nothing(self, posted, recorder):
        recorder.sent_before = True
        deliver(posted(CallOut(thing_id=uuid.uuid4())).id)
        assert recorder.steps == ["prepare", "lookup", "call", "settle answer"]

    def test_a_lost_lease_during_the_call_settles_nothing(self, posted, recorder, tenant):
        delivery = posted(CallOut(thing_id=uuid.uuid4()))
        recorder.on_call = lambda: Delivery.objects.filter(id=delivery.id).update(claim_id=uuid.uuid4())
        deliver(delivery.id)
        with enter_tenant(tenant):
            assert not Trace.objects.filter(id=delivery.id).exists()
        assert state(delivery) is not None

    def test_the_call_is_outside_of_any_transaction(self, committed, posted, recorder):
        recorder.on_call = lambda: recorder.steps.append(f"in transaction: {connection.in_atomic_block}")
        deliver(posted(CallOut(thing_id=uuid.uuid4())).id)
        assert "in transaction: False" in recorder.steps


HOP = [
    "SET",  # the tenant's search path
    "UPDATE",  # the claim, a commit of its own, and the message
    "BEGIN",
    "WITH",  # the delivery goes, the trace comes
    "COMMIT",
]


def statements(delivery, tenant_id):
    with CaptureQueriesContext(connection) as captured:
        assert deliver(delivery.id, tenant_id=tenant_id)
    return [query["sql"].split()[0] for query in captured]


@pytest.mark.parametrize("hops_before", [1, WORTH_IT + 6], ids=["at first", "prepared"])
def test_a_transactional_hop_costs_two_commits_and_five_statements(committed, posted, recorder, tenant, hops_before):
    for _ in range(hops_before):  # the directory and the connection are warm from here on
        deliver(posted().id, tenant_id=tenant.id)
    delivery = posted()
    assert statements(delivery, tenant.id) == HOP
    assert state(delivery) is None


def test_what_a_handler_posts_costs_no_statement_more(committed, posted, recorder, tenant):
    recorder.do = lambda message: [publish(ThingHappened(thing_id=message.body.thing_id)) for _ in range(2)]
    deliver(posted().id)
    delivery = posted()
    assert statements(delivery, tenant.id) == HOP
    with enter_tenant(tenant):
        caused = Message.objects.filter(causation_id=delivery.message_id)
        assert [message.topic for message in caused] == ["sample.thing_happened"] * 2
        assert Delivery.objects.filter(message_id__in=caused.values("id")).count() == 4
        assert Trace.objects.get(id=delivery.id).outcome == "done"


def test_a_stale_holder_posts_nothing_and_wakes_nobody(posted, recorder, tenant, django_capture_on_commit_callbacks):
    delivery = posted()

    def lose_it_and_post(message):
        Delivery.objects.filter(id=delivery.id).update(claim_id=uuid.uuid4())
        publish(ThingHappened(thing_id=message.body.thing_id))

    recorder.do = lose_it_and_post
    with django_capture_on_commit_callbacks() as callbacks:
        deliver(delivery.id)
    assert callbacks == []
    with enter_tenant(tenant):
        assert not Message.objects.filter(causation_id=delivery.message_id).exists()
        assert not Trace.objects.filter(id=delivery.id).exists()


def test_a_wake_up_that_does_not_say_whose_it_is_has_the_message_read_apart(committed, posted, recorder):
    deliver(posted().id)
    assert statements(posted(), None) == ["UPDATE", "SET", "SELECT", "BEGIN", "WITH", "COMMIT"]


@pytest.mark.parametrize("whose", ["another tenant's", "nobody's"])
def test_the_row_decides_whose_work_it_is_and_not_the_wake_up(posted, recorder, tenant, other_tenant, whose):
    delivery = posted(DoThing(thing_id=uuid.uuid4(), note="hello"))
    recorder.do = lambda message: recorder.steps.append(current_tenant().slug)
    assert deliver(delivery.id, tenant_id=other_tenant.id if whose == "another tenant's" else uuid.uuid4())
    assert [message.body.note for message in recorder.seen] == ["hello"]
    assert recorder.steps == [tenant.slug]
    with enter_tenant(tenant):
        assert Trace.objects.get(id=delivery.id).outcome == "done"


def test_a_journal_that_cannot_be_read_along_is_put_back(committed, posted, recorder, tenant):
    delivery = posted()
    with enter_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE t_acme.journal_message RENAME COLUMN payload TO body")
    assert deliver(delivery.id, tenant_id=tenant.id)
    assert recorder.seen == []
    assert (state(delivery).attempts, state(delivery).put_backs, state(delivery).claim_id) == (0, 1, None)


def test_only_the_claim_commits_without_waiting_for_the_disk(committed, posted, recorder, tenant):
    def synchronous_commit():
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return cursor.fetchone()[0]

    recorder.do = lambda message: recorder.steps.append(synchronous_commit())
    delivery = posted()
    deliver(delivery.id, tenant_id=tenant.id)
    assert recorder.steps == ["on"]
    assert synchronous_commit() == "on"
