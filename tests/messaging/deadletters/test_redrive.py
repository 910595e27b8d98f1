import threading
import uuid

import pytest
from django.db import connection, transaction

from audit.models import Entry
from messaging.consuming import deliver
from messaging.deadletters import services
from messaging.deadletters.errors import (
    DoesNotFit,
    HandlerUnknown,
    LetterNotFound,
    LetterNotOpen,
    MessageGone,
    MessageTooNew,
    TenantGone,
    TenantNotReady,
)
from messaging.deadletters.foreseeing import foresee_all
from messaging.errors import Reject
from messaging.journal.models import Message, Trace
from messaging.messages import Obsolete
from messaging.models import DeadLetter, Delivery
from messaging.services import send
from messaging.topology import Prospect, Verdict
from tenants.registry import directory
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.models import Tenant, TenantStatus
from tests.messaging.deadletters.letters import ADA, BOB, fail, state_of
from tests.messaging.sample import CallOut, DoThing, TendPlatform
from tests.support.tampering import unguarded
from wildrydes.kernel.errors import InvalidInput


def redriven(letter):
    return services.redrive([letter.id], actor=ADA).sent[letter.id]


class TestRedrive:
    def test_sends_the_old_message_to_its_handler_and_settles_the_letter(self, dead, recorder, tenant):
        letter = dead(DoThing(thing_id=uuid.uuid4(), note="hello"))
        delivery_id = redriven(letter)
        letter.refresh_from_db()
        assert (letter.state, letter.redrives, letter.redriven_by, letter.delivery_id) == (
            "redriving",
            1,
            "ada",
            delivery_id,
        )
        recorder.seen.clear()
        assert deliver(delivery_id)
        assert [(m.id, m.body.note, m.correlation_id) for m in recorder.seen] == [
            (letter.message_id, "hello", letter.correlation_id)
        ]
        letter.refresh_from_db()
        assert (letter.state, letter.resolved_by) == ("redriven", "ada")
        assert letter.resolved_at is not None
        with enter_tenant(tenant):
            assert Trace.objects.get(id=delivery_id).outcome == "done"

    def test_a_letter_that_dies_again_is_the_same_letter_with_the_new_cause(self, dead, recorder):
        letter = dead(error=Reject("never"))
        delivery_id = redriven(letter)
        recorder.do = fail(ZeroDivisionError("by zero"))
        while Delivery.objects.filter(id=delivery_id).exists():
            with connection.cursor() as cursor:
                cursor.execute("UPDATE messaging_delivery SET not_before = clock_timestamp()")
            deliver(delivery_id)
        again = DeadLetter.objects.get()
        assert (again.id, again.state, again.redrives, again.reason, again.error_class) == (
            letter.id,
            "open",
            1,
            "attempts",
            "builtins.ZeroDivisionError",
        )
        assert again.fingerprint != letter.fingerprint
        assert again.died_at == letter.died_at
        assert again.last_died_at > letter.last_died_at
        assert len(recorder.outcomes) == 2, "the outcome is asked for again; it looks at the state"

    def test_a_second_one_is_told_that_it_is_under_way_and_sends_nothing(self, dead):
        letter = dead()
        redriven(letter)
        with pytest.raises(LetterNotOpen, match="ada has sent it again"):
            services.redrive([letter.id], actor=BOB)
        assert Delivery.objects.filter(letter_id=letter.id).count() == 1

    def test_one_that_is_dealt_with_says_by_whom(self, dead):
        letter = dead()
        services.discard([letter.id], reason="was done by hand", actor=BOB)
        with pytest.raises(LetterNotOpen, match="discarded by bob"):
            services.redrive([letter.id], actor=ADA)

    def test_of_many_the_good_ones_are_sent_and_the_others_explained(self, dead):
        good, done, unknown = dead(), dead(), uuid.uuid4()
        services.discard([done.id], reason="was done by hand", actor=BOB)
        result = services.redrive([good.id, done.id, unknown, good.id], actor=ADA)
        assert set(result.sent) == {good.id}
        assert {i: type(e) for i, e in result.refused.items()} == {done.id: LetterNotOpen, unknown: LetterNotFound}

    @pytest.mark.parametrize("count", [0, 501])
    def test_it_is_bounded(self, db, count):
        with pytest.raises(InvalidInput, match="between 1 and 500"):
            services.redrive([uuid.uuid4() for _ in range(count)], actor=ADA)

    def test_ten_at_once_have_one_effect(self, committed, dead, recorder):
        letter = dead()
        barrier, told = threading.Barrier(10), []

        def compete():
            try:
                with enter_public():
                    connection.ensure_connection()
                    barrier.wait()
                    services.redrive([letter.id], actor=ADA)
                    told.append("sent")
            except LetterNotOpen:
                told.append("told")
            finally:
                connection.close()

        threads = [threading.Thread(target=compete) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(told) == ["sent"] + ["told"] * 9
        delivery = Delivery.objects.get(letter_id=letter.id)
        recorder.seen.clear()
        workers = [threading.Thread(target=_deliver_and_close, args=(delivery.id,)) for _ in range(4)]
        for thread in workers:
            thread.start()
        for thread in workers:
            thread.join()
        assert len(recorder.seen) == 1
        assert state_of(letter) == "redriven"

    def test_a_platform_letter_is_redriven_in_public(self, db, recorder):
        recorder.do = fail(Reject("never"))
        with enter_public(), transaction.atomic():
            message_id = send(TendPlatform())
        deliver(Delivery.objects.get(message_id=message_id).id)
        recorder.do = None
        letter = DeadLetter.objects.get(message_id=message_id)
        deliver(redriven(letter))
        assert state_of(letter) == "redriven"

    def test_it_is_written_down(self, dead, tenant):
        letter = dead()
        redriven(letter)
        entry = Entry.objects.get(action="deadletter.redrive")
        assert (entry.actor_name, entry.subject_id, entry.tenant_id) == ("ada", str(letter.id), tenant.id)


def _deliver_and_close(delivery_id):
    try:
        deliver(delivery_id)
    finally:
        connection.close()


class TestObsolete:
    def test_a_transactional_handler_says_that_there_is_nothing_to_do(self, dead, recorder, tenant):
        letter = dead()
        delivery_id = redriven(letter)
        recorder.answer = Obsolete("the ride has ended")
        deliver(delivery_id)
        assert state_of(letter) == "obsolete"
        with enter_tenant(tenant):
            assert Trace.objects.get(id=delivery_id).outcome == "obsolete"

    def test_a_gateway_that_prepares_nothing(self, posted, recorder):
        recorder.on_call = fail(Reject("never"))
        delivery = posted(CallOut(thing_id=uuid.uuid4()))
        deliver(delivery.id)
        letter = DeadLetter.objects.get(id=delivery.id)
        delivery_id = redriven(letter)
        recorder.nothing_to_prepare = True
        deliver(delivery_id)
        assert state_of(letter) == "obsolete"

    def test_what_is_foreseen_as_obsolete_is_not_sent(self, dead, recorder):
        letter = dead()
        recorder.prospect = Prospect(verdict=Verdict.OBSOLETE, summary="The ride has ended.")
        result = services.redrive([letter.id], actor=ADA)
        assert result.obsolete == {letter.id: "The ride has ended."}
        assert state_of(letter) == "obsolete"
        assert not Delivery.objects.filter(letter_id=letter.id).exists()
        assert Entry.objects.get(action="deadletter.redrive").details["obsolete"] is True

    def test_a_foresight_that_writes_or_fails_changes_nothing(self, dead, recorder, tenant):
        letter = dead()

        def write(message):
            Message.objects.create(
                kind="event", topic="foreseen", version=1, payload={}, correlation_id=message.correlation_id
            )

        recorder.on_foresee = write
        (outlook,) = foresee_all([letter])
        assert "could not be foreseen" in outlook.prospect.summary, "the write is refused, not only undone"
        assert set(services.redrive([letter.id], actor=ADA).sent) == {letter.id}
        with enter_tenant(tenant):
            assert not Message.objects.filter(topic="foreseen").exists()
            # and the transaction writes again
            Message.objects.create(
                kind="event", topic="after", version=1, payload={}, correlation_id=letter.correlation_id
            )

    def test_what_a_foresight_posts_is_never_sent(self, committed, dead, recorder):
        letter, kept = dead(), []
        recorder.on_foresee = lambda message: transaction.on_commit(lambda: kept.append("posted"))
        services.redrive([letter.id], actor=ADA)
        assert (kept, state_of(letter)) == ([], "redriving")


class TestObstacles:
    def test_a_suspended_tenants_letter_is_sent_because_it_was_accepted(self, dead, recorder, tenant):
        letter = dead()
        Tenant.objects.filter(id=tenant.id).update(status=TenantStatus.SUSPENDED)
        directory.forget()
        deliver(redriven(letter))
        assert state_of(letter) == "redriven"

    def test_a_tenant_that_is_not_in_service(self, dead, tenant):
        letter = dead()
        Tenant.objects.filter(id=tenant.id).update(status=TenantStatus.ONBOARDING)
        directory.forget()
        with pytest.raises(TenantNotReady, match="finish its onboarding"):
            redriven(letter)
        directory.forget()

    def test_a_tenant_that_is_gone(self, dead):
        letter = dead()
        DeadLetter.objects.filter(id=letter.id).update(tenant_id=uuid.uuid4())
        for act in (services.look_at_payload, lambda i, actor: services.redrive([i], actor=actor)):
            with pytest.raises(TenantGone, match="discard"):
                act(letter.id, actor=ADA)
        assert services.discard([letter.id], reason="company left", actor=ADA) == 1

    def test_a_tenants_letter_without_a_tenant_is_never_sent(self, dead):
        letter = dead()
        DeadLetter.objects.filter(id=letter.id).update(tenant_id=None)
        with pytest.raises(TenantGone, match="without a company"):
            redriven(letter)

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"message_id": uuid.uuid4()}, MessageGone),
            ({"handler": "sample.gone"}, HandlerUnknown),
            ({"version": 9}, MessageTooNew),
        ],
        ids=["message gone", "handler unknown", "newer message"],
    )
    def test_what_is_missing_is_named(self, dead, fields, error):
        letter = dead()
        DeadLetter.objects.filter(id=letter.id).update(**fields)
        with pytest.raises(error):
            redriven(letter)
        assert state_of(letter) == "open"

    def test_an_older_shape_asks_for_an_edit(self, dead, tenant):
        letter = dead()
        with enter_tenant(tenant), unguarded():
            Message.objects.filter(id=letter.message_id).update(payload={"id_of_thing": "secret text"})
        with pytest.raises(DoesNotFit, match="edit it and send it") as told:
            redriven(letter)
        assert "secret" not in told.value.detail
