import json
import uuid

import pytest

from messaging.consuming import deliver
from messaging.deadletters.burying import location
from messaging.errors import Reject
from messaging.models import DeadLetter, Delivery
from tests.messaging.conftest import end_lease, make_due
from tests.messaging.deadletters.letters import fail
from tests.messaging.sample import DoThing


def crash(posted):
    """A letter whose worker died over it once more than is allowed."""
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(claim_id=uuid.uuid4(), crashes=1)
    end_lease(delivery)
    assert deliver(delivery.id)
    return DeadLetter.objects.get(id=delivery.id)


def fingerprints(*letters):
    return {letter.fingerprint for letter in letters}


def test_crashes_share_a_cause_though_there_is_no_error(posted, recorder):
    one, other = crash(posted), crash(posted)
    assert (one.reason, one.error_class) == ("crashes", "")
    assert len(fingerprints(one, other)) == 1


def test_one_mistake_with_other_data_is_one_cause(dead):
    letters = [dead(DoThing(thing_id=uuid.uuid4(), note=str(n)), Reject(f"{uuid.uuid4()} is not there")) for n in "ab"]
    assert len(fingerprints(*letters)) == 1


def test_other_places_other_classes_and_other_reasons_are_other_causes(dead, posted, recorder):
    def here(message):
        raise Reject("never")

    def there(message):
        json.loads("{")

    letters = [dead()]
    for handler in (here, there):
        recorder.do = handler
        delivery = posted()
        while deliver(delivery.id):
            make_due(delivery)
        letters.append(DeadLetter.objects.get(id=delivery.id))
    assert len(fingerprints(*letters)) == 3


def test_the_place_is_our_function_and_the_librarys_without_lines():
    def ours():
        json.loads("{")

    with pytest.raises(json.JSONDecodeError) as told:
        ours()
    place = location(told.value.__traceback__)
    assert place == "tests/messaging/deadletters/test_burying.py:ours decoder.py:raw_decode"
    assert location(None) == ""


def test_what_expired_while_it_waited_names_the_error_of_its_last_attempt(posted, recorder):
    recorder.do = fail(ValueError("bad luck"))
    letters = []
    for attempts in (1, 2):
        delivery = posted()
        for _ in range(attempts):
            make_due(delivery)
            deliver(delivery.id)
        make_due(delivery)
        Delivery.objects.filter(id=delivery.id).update(expires_at="2026-01-01T00:00:00Z")
        deliver(delivery.id)
        letters.append(DeadLetter.objects.get(id=delivery.id))
    assert [(letter.reason, letter.error_class) for letter in letters] == [("expired", "builtins.ValueError")] * 2
    assert len(fingerprints(*letters)) == 1
