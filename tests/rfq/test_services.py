"""The life of a request: asked, answered, closed once, ranked; and what does not count."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from api.models import Operation
from api.services import request_cancellation
from fleet.capabilities import SpeedClass
from fleet.models import Call, Inquiry, InquiryState, UnicornPosition
from fleet.services import issue_credential, register_operator, speaker_with
from messaging.consuming import deliver
from messaging.journal.models import Message
from messaging.models import Delivery
from rfq import domain, services
from rfq.errors import AlreadyAnswered, AnswerLate, ForgedReturnAddress, NotAsked, UnknownRequest
from rfq.models import Invitation, Offer, Rfq, RfqState
from rfq.ranking import StrategyName
from rfq.watching import close_overdue
from tests.rfq.conftest import declining, offering
from wildrydes.kernel.errors import InvalidInput

pytestmark = pytest.mark.usefixtures("in_tenant")


def overdue(rfq, seconds=3):
    """Let its deadline have passed so long ago."""
    past = timezone.now() - timedelta(seconds=seconds)
    Rfq.objects.filter(id=rfq.id).update(deadline_at=past)
    Call.objects.filter(id=rfq.id).update(closes_at=past)


def deadline_comes(rfq):
    """The deadline's own message is handled."""
    overdue(rfq)
    Delivery.objects.filter(handler="rfq.close").update(not_before=timezone.now() - timedelta(seconds=1))
    assert deliver(Delivery.objects.get(handler="rfq.close").id)


def operation_of(rfq):
    return Operation.objects.get(id=rfq.operation_id)


def topics(rfq):
    told = Message.objects.filter(correlation_id=rfq.correlation_id, kind="event").order_by("id")
    return list(told.values_list("topic", flat=True))


def test_enough_offers_close_it_before_its_deadline(request_quotes, add_unicorn, offer, drain):
    unicorns = [add_unicorn(north_km=0.1 * n) for n in range(3)]
    rfq = request_quotes(wanted_offers=2, strategy=StrategyName.CHEAPEST)
    drain()
    rfq.refresh_from_db()
    assert (rfq.asked, rfq.state) == (3, "open")
    offer(unicorns[0], price=900)
    drain()
    rfq.refresh_from_db()
    assert rfq.state == "open"
    offer(unicorns[2], price=700)
    drain()
    rfq.refresh_from_db()
    assert (rfq.state, rfq.close_reason) == ("closed", "enough_offers")
    ended = operation_of(rfq)
    assert ended.status == "succeeded"
    assert [each["price"]["amount_minor"] for each in ended.result["offers"]] == [700, 900]
    assert [step["name"] for step in ended.steps] == ["asked", "first offer"]
    assert topics(rfq) == ["rfq.scattered", "rfq.offer_received", "rfq.offer_received", "rfq.closed"]
    assert Inquiry.objects.get(unicorn=unicorns[1]).state == InquiryState.CLOSED
    assert Call.objects.get(id=rfq.id).closed_at is not None


def test_all_have_answered(request_quotes, add_unicorn, offer, decline, drain):
    one, other = add_unicorn(), add_unicorn()
    rfq = request_quotes(wanted_offers=5)
    drain()
    decline(one)
    offer(other)
    drain()
    rfq.refresh_from_db()
    assert (rfq.state, rfq.close_reason) == ("closed", "all_answered")


def test_nobody_is_near(request_quotes, add_unicorn, drain):
    add_unicorn(north_km=15)
    rfq = request_quotes(radius_m=3_000)
    drain()
    rfq.refresh_from_db()
    assert (rfq.state, rfq.close_reason, rfq.asked) == ("closed", "nobody_near", 0)
    failed = operation_of(rfq)
    assert failed.status == "failed"
    assert failed.error["type"].endswith("/no-offers")


def test_the_deadline_closes_with_what_is_there(request_quotes, add_unicorn, offer, drain):
    one, _ = add_unicorn(), add_unicorn()
    rfq = request_quotes(wanted_offers=5)
    drain()
    offer(one)
    deadline_comes(rfq)
    rfq.refresh_from_db()
    assert (rfq.state, rfq.close_reason) == ("closed", "deadline")
    assert operation_of(rfq).status == "succeeded"


def test_all_silent(request_quotes, add_unicorn, drain):
    add_unicorn()
    rfq = request_quotes()
    drain()
    deadline_comes(rfq)
    assert operation_of(rfq).error["type"].endswith("/no-offers")


def test_only_those_are_asked_that_have_what_is_wished_for(request_quotes, add_unicorn, drain):
    right = add_unicorn(extras=["free_drinks"], speed_class="gallop")
    add_unicorn()
    rfq = request_quotes(extras=("free_drinks",), slowest=SpeedClass.GALLOP)
    drain()
    assert list(Invitation.objects.filter(rfq=rfq).values_list("unicorn_id", flat=True)) == [right.id]


def test_while_nobody_is_in_sight_the_request_waits(request_quotes, add_unicorn, drain):
    unicorn = add_unicorn()
    UnicornPosition.objects.update(reported_at=timezone.now() - timedelta(hours=1))
    rfq = request_quotes()
    drain()
    rfq.refresh_from_db()
    assert (rfq.state, rfq.asked) == ("open", None)
    UnicornPosition.objects.filter(unicorn=unicorn).update(reported_at=timezone.now())
    drain(include_delayed=True)
    rfq.refresh_from_db()
    assert rfq.asked == 1


def test_what_a_unicorn_is_told(request_quotes, add_unicorn, asked_of, drain, in_tenant):
    unicorn = add_unicorn()
    rfq = request_quotes(pickup_label="My home", reference="CC-4711")
    drain()
    asked = asked_of(unicorn)
    assert set(asked) == {
        *("correlation_id", "reply_to", "unicorn", "pickup", "dropoff", "distance_m"),
        *("passengers", "pickup_at", "wishes", "currency", "answer_by"),
    }
    told = str(asked)
    hidden = (rfq.id, rfq.user_id, rfq.operation_id, rfq.correlation_id, in_tenant.id, in_tenant.slug, unicorn.id)
    assert not [each for each in (*hidden, "My home", "CC-4711") if str(each) in told]


def test_the_first_answer_counts(request_quotes, add_unicorn, asked_of, speaker, drain):
    unicorn, _ = add_unicorn(), add_unicorn()
    rfq = request_quotes()
    drain()
    asked = asked_of(unicorn)
    services.take_answer(speaker=speaker, answer=offering(asked, price=900))
    for second in (offering(asked, price=1), offering(asked, price=900), declining(asked)):
        with pytest.raises(AlreadyAnswered):
            services.take_answer(speaker=speaker, answer=second)
    assert [each.price_minor for each in Offer.objects.filter(rfq=rfq)] == [900]


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "not closed yet"])
def test_a_late_answer(closed, request_quotes, add_unicorn, asked_of, speaker, drain):
    unicorn = add_unicorn()
    rfq = request_quotes()
    drain()
    asked = asked_of(unicorn)
    overdue(rfq)
    if closed:
        assert close_overdue() == 1
    with pytest.raises(AnswerLate):
        services.take_answer(speaker=speaker, answer=offering(asked))
    assert not Offer.objects.filter(rfq=rfq).exists()
    assert Invitation.objects.get(rfq=rfq).late_at is not None


def test_answers_that_are_nobodys(request_quotes, add_unicorn, asked_of, speaker, drain):
    mine, theirs = add_unicorn(), add_unicorn(operator=register_operator(code="rival", name="Rival"))
    rfq = request_quotes()
    drain()
    asked = asked_of(mine)
    issued = issue_credential(operator="rival", unicorn=theirs.operator_ref)
    rival = speaker_with(credential_id=issued.credential_id, secret=issued.secret)
    with pytest.raises(NotAsked):
        services.take_answer(speaker=rival, answer=offering(asked))
    with pytest.raises(UnknownRequest):
        services.take_answer(speaker=speaker, answer=offering(asked | {"correlation_id": str(uuid4())}))
    with pytest.raises(ForgedReturnAddress):
        services.take_answer(speaker=speaker, answer=offering(asked | {"reply_to": asked["reply_to"][:-3] + "AAA"}))
    with pytest.raises(InvalidInput):
        services.take_answer(speaker=speaker, answer=offering(asked, currency="JPY"))
    Rfq.objects.filter(id=rfq.id).delete()
    with pytest.raises(UnknownRequest):
        services.take_answer(speaker=speaker, answer=offering(asked))


def test_a_wrong_offer_may_be_corrected(request_quotes, add_unicorn, asked_of, speaker, drain):
    unicorn = add_unicorn()
    request_quotes()
    drain()
    with pytest.raises(InvalidInput):
        services.take_answer(speaker=speaker, answer=offering(asked_of(unicorn), currency="JPY"))
    assert services.take_answer(speaker=speaker, answer=offering(asked_of(unicorn))).valid_until


def test_the_watch_closes_what_its_message_did_not(request_quotes, add_unicorn, drain):
    add_unicorn()
    rfq = request_quotes()
    drain()
    assert close_overdue() == 0
    overdue(rfq, seconds=0.2)
    assert close_overdue() == 0, "the deadline's own message comes first"
    overdue(rfq)
    assert close_overdue() == 1
    rfq.refresh_from_db()
    assert (rfq.state, rfq.close_reason) == ("closed", "deadline")
    assert close_overdue() == 0
    drain(include_delayed=True)


def test_a_request_that_was_never_scattered_closes_too(request_quotes):
    rfq = request_quotes()
    overdue(rfq)
    assert close_overdue() == 1
    assert operation_of(rfq).status == "failed"


def test_the_watch_forgets_what_is_gone(request_quotes):
    rfq = request_quotes()
    overdue(rfq)
    Rfq.objects.filter(id=rfq.id).delete()
    assert close_overdue() == 0
    assert Call.objects.get(id=rfq.id).closed_at is not None


def test_withdrawing_tells_the_unicorns(request_quotes, add_unicorn, offer, asked_of, speaker, drain):
    one, other = add_unicorn(), add_unicorn()
    rfq = request_quotes()
    drain()
    offer(one)
    asked = asked_of(other)
    with transaction.atomic():
        assert services.withdraw(rfq_id=rfq.id).state == "withdrawn"
    with transaction.atomic():
        services.withdraw(rfq_id=rfq.id)
    assert operation_of(rfq).status == "cancelled"
    assert set(Inquiry.objects.filter(call_id=rfq.id).values_list("state", flat=True)) == {InquiryState.WITHDRAWN}
    with pytest.raises(AnswerLate):
        services.take_answer(speaker=speaker, answer=offering(asked))
    assert topics(rfq).count("rfq.withdrawn") == 1
    drain(include_delayed=True)
    rfq.refresh_from_db()
    assert rfq.state == "withdrawn"


def test_the_operations_delete_withdraws(request_quotes, add_unicorn, drain):
    add_unicorn()
    rfq = request_quotes()
    drain()
    with transaction.atomic():
        request_cancellation(operation=operation_of(rfq))
    drain()
    rfq.refresh_from_db()
    assert rfq.state == "withdrawn"
    assert operation_of(rfq).status == "cancelled"


@pytest.mark.parametrize("before", list(domain.State), ids=str)
@pytest.mark.parametrize("after", list(domain.State), ids=str)
def test_the_database_lets_only_the_declared_moves_through(before, after, request_quotes):
    rfq = request_quotes()

    def move(to):
        is_accepted = to == domain.State.ACCEPTED
        ride = {"accepted_offer_id": uuid4() if is_accepted else None, "booking_id": uuid4() if is_accepted else None}
        closed = None if to == domain.State.OPEN else timezone.now()
        Rfq.objects.filter(id=rfq.id).update(state=RfqState(to.value), closed_at=closed, **ride)

    if before != domain.State.OPEN:
        move(before)
    if before == after or (before, after) in domain.MOVES:
        move(after)
        return
    with pytest.raises(IntegrityError), transaction.atomic():
        move(after)


def test_what_an_answer_costs(request_quotes, add_unicorn, asked_of, speaker, drain, django_assert_max_num_queries):
    unicorn, _ = add_unicorn(), add_unicorn()
    request_quotes()
    drain()
    asked = asked_of(unicorn)
    with django_assert_max_num_queries(14, connection=connection):
        services.take_answer(speaker=speaker, answer=offering(asked))
