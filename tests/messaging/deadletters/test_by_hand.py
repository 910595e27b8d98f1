import uuid

import pytest
from django.db import transaction

from audit.models import Entry
from messaging.consuming import deliver
from messaging.deadletters import services
from messaging.deadletters.errors import (
    BadPayload,
    LetterNotFound,
    LetterNotOpen,
)
from messaging.deadletters.filters import LetterFilter
from messaging.errors import Reject
from messaging.journal.models import HandlerError, Message
from messaging.models import DeadLetter, Delivery
from messaging.services import publish
from tenants.registry.context import enter_tenant
from tests.messaging.deadletters.letters import ADA, BOB, fail, state_of
from tests.messaging.sample import DoThing, ThingHappened
from wildrydes.kernel.errors import InvalidInput, NotFound


def redriven(letter):
    return services.redrive([letter.id], actor=ADA).sent[letter.id]


class TestDiscard:
    def test_closes_with_a_reason(self, dead):
        letter = dead()
        services.discard([letter.id], reason="  refunded\nby hand ", actor=BOB)
        letter.refresh_from_db()
        assert (letter.state, letter.resolved_by, letter.resolution_note) == ("discarded", "bob", "refunded by hand")
        entry = Entry.objects.get(action="deadletter.discard")
        assert (entry.reason, entry.actor_name) == ("refunded by hand", "bob")

    @pytest.mark.parametrize("reason", ["", " ", "no", "x" * 501, "a\x00bc", "\x1b[31m red"])
    def test_a_reason_is_needed(self, dead, reason):
        with pytest.raises(InvalidInput, match="Say why"):
            services.discard([dead().id], reason=reason, actor=BOB)

    def test_one_under_way_is_not_discarded(self, dead):
        letter = dead()
        redriven(letter)
        with pytest.raises(LetterNotOpen):
            services.discard([letter.id], reason="too late", actor=BOB)

    def test_a_whole_cause(self, dead):
        letters = [dead() for _ in range(3)]
        DeadLetter.objects.filter(id=dead().id).update(fingerprint="another")
        cause = LetterFilter(fingerprint=letters[0].fingerprint)
        assert services.discard_all(cause, reason="known and harmless", actor=BOB) == 3
        assert Entry.objects.filter(action="deadletter.discard").count() == 3
        assert DeadLetter.objects.get(state="open").fingerprint == "another"


class TestLooking:
    def test_shows_the_payload_and_writes_down_who_looked(self, dead, tenant):
        letter = dead(DoThing(thing_id=uuid.UUID(int=1), note="private"))
        assert services.look_at_payload(letter.id, actor=ADA)["note"] == "private"
        entry = Entry.objects.get(action="deadletter.payload_viewed")
        assert (entry.actor_name, entry.subject_id) == ("ada", str(letter.id))
        assert "private" not in str(entry.details)

    def test_shows_an_errors_text_and_writes_that_down_too(self, dead, tenant):
        letter, other = dead(error=Reject("private words")), dead()
        with enter_tenant(tenant):
            error = HandlerError.objects.get(delivery_id=letter.id)
            others = HandlerError.objects.get(delivery_id=other.id)
        shown = services.look_at_error(letter.id, error.id, actor=ADA)
        assert shown.text == "private words"
        assert "Reject" in shown.traceback
        assert Entry.objects.filter(action="deadletter.error_viewed").count() == 1
        with pytest.raises(NotFound):
            services.look_at_error(letter.id, others.id, actor=ADA)

    def test_an_unknown_letter(self, db):
        with pytest.raises(LetterNotFound):
            services.look_at_payload(uuid.uuid4(), actor=ADA)


class TestEditAndSend:
    def test_sends_a_new_message_caused_by_the_old_one(self, dead, recorder, tenant):
        thing = uuid.uuid4()
        letter = dead(DoThing(thing_id=thing, note="wrong"))
        message_id = services.edit_and_send(letter.id, payload=f'{{"thing_id": "{thing}", "note": "right"}}', actor=ADA)
        letter.refresh_from_db()
        assert (letter.state, letter.replaced_by, letter.resolved_by) == ("replaced", message_id, "ada")
        recorder.seen.clear()
        deliver(Delivery.objects.get(message_id=message_id).id)
        (seen,) = recorder.seen
        assert (seen.body.note, seen.causation_id, seen.correlation_id) == (
            "right",
            letter.message_id,
            letter.correlation_id,
        )
        with enter_tenant(tenant):
            assert Message.objects.get(id=letter.message_id).payload["note"] == "wrong"
        entry = Entry.objects.get(action="deadletter.edit")
        assert (entry.details["fields"], "right" in str(entry.details)) == ("note", False)

    def test_goes_to_the_one_handler_that_gave_up(self, posted, recorder, tenant):
        recorder.do = fail(Reject("never"))
        with enter_tenant(tenant), transaction.atomic():
            publish(ThingHappened(thing_id=uuid.uuid4()))
        for delivery in Delivery.objects.all():
            deliver(delivery.id)
        letter = DeadLetter.objects.get()
        message_id = services.edit_and_send(letter.id, payload={"thing_id": str(uuid.uuid4())}, actor=ADA)
        assert [d.handler for d in Delivery.objects.filter(message_id=message_id)] == ["sample.react"]

    @pytest.mark.parametrize(
        "payload",
        [
            "",
            "[]",
            "null",
            "{",
            '{"thing_id": 5}',
            '{"thing_id": "00000000-0000-0000-0000-000000000001", "note": "a\\u0000"}',
            '{"thing_id": "00000000-0000-0000-0000-000000000001", "note": "\\ud800"}',
            '{"thing_id": "00000000-0000-0000-0000-000000000001", "note": "x", "extra": 1}',
            '{"thing_id": "00000000-0000-0000-0000-000000000001", "note": NaN}',
            '{"thing_id": "00000000-0000-0000-0000-000000000001", "note": "x", "note": "y"}',
            "[" * 100_000,
            '{"thing_id":' + "[" * 5_000 + "]" * 5_000 + "}",
            '{"note": "' + "x" * 70_000 + '"}',
            b"\xff\xfe{}",
            "\ud800",
            {"thing_id": object()},
        ],
        ids=[
            *("empty", "array", "null", "cut", "wrong type", "nul", "surrogate", "unknown field", "nan", "repeated"),
            *("deep", "deep inside", "long", "utf-16", "surrogate text", "no json"),
        ],
    )
    def test_a_hostile_payload_is_refused(self, dead, payload):
        letter = dead()
        with pytest.raises(BadPayload):
            services.edit_and_send(letter.id, payload=payload, actor=ADA)
        assert state_of(letter) == "open"

    def test_a_deep_mapping_is_refused(self, dead):
        deep: dict = {}
        for _ in range(100_000):
            deep = {"thing_id": deep}
        with pytest.raises(BadPayload):
            services.edit_and_send(dead().id, payload=deep, actor=ADA)

    def test_what_has_not_changed_is_to_be_redriven(self, dead):
        letter = dead()
        same = services.look_at_payload(letter.id, actor=ADA)
        with pytest.raises(BadPayload, match="redrive"):
            services.edit_and_send(letter.id, payload=same, actor=ADA)

    def test_only_an_open_letter(self, dead):
        letter = dead()
        redriven(letter)
        with pytest.raises(LetterNotOpen):
            services.edit_and_send(letter.id, payload={"thing_id": str(uuid.uuid4())}, actor=BOB)
