import uuid
from datetime import timedelta

import pytest
from django.db import transaction

from messaging.errors import NotDeclared
from messaging.journal.models import Message
from messaging.messages import Command, Envelope, Event, handling
from messaging.models import Delivery
from messaging.services import NotInTransaction, WrongScope, publish, send, together
from tenants.registry.context import NoTenant, enter_public, enter_tenant
from tests.messaging.sample import DoThing, TendPlatform, ThingHappened


def test_an_event_gets_a_delivery_per_subscriber_and_one_journal_row(in_tenant):
    thing = uuid.uuid4()
    with transaction.atomic():
        message_id = publish(ThingHappened(thing_id=thing))
    message = Message.objects.get(id=message_id)
    assert (message.kind, message.topic, message.payload) == (
        "event",
        "sample.thing_happened",
        {"thing_id": str(thing)},
    )
    deliveries = Delivery.objects.filter(message_id=message_id)
    assert {delivery.handler for delivery in deliveries} == {"sample.react", "sample.react_too"}
    assert {delivery.tenant_id for delivery in deliveries} == {in_tenant.id}
    assert {delivery.correlation_id for delivery in deliveries} == {message.correlation_id}


def test_no_payload_reaches_the_shared_tables(in_tenant):
    with transaction.atomic():
        message_id = send(DoThing(thing_id=uuid.uuid4(), note="a rider's secret"))
    row = Delivery.objects.filter(message_id=message_id).values().get()
    assert "secret" not in str(row)
    with enter_public():
        assert not Message.objects.filter(id=message_id).exists()


def test_a_rolled_back_use_case_leaves_nothing(in_tenant):
    with pytest.raises(RuntimeError, match="changed my mind"), transaction.atomic():
        message_id = send(DoThing(thing_id=uuid.uuid4()))
        raise RuntimeError("changed my mind")
    assert not Message.objects.filter(id=message_id).exists()
    assert not Delivery.objects.filter(message_id=message_id).exists()


def test_a_delayed_command_is_claimable_only_later(in_tenant):
    with transaction.atomic():
        message_id = send(DoThing(thing_id=uuid.uuid4()), delay=timedelta(minutes=5))
    delivery = Delivery.objects.get(message_id=message_id)
    assert delivery.not_before - delivery.created_at > timedelta(minutes=4)
    assert delivery.due_at == delivery.not_before


def test_what_is_sent_while_handling_inherits_correlation_and_cause(in_tenant, posted):
    first = Message.objects.get(id=posted().message_id)
    handled = Envelope(
        id=first.id,
        body=DoThing(thing_id=uuid.uuid4()),
        correlation_id=first.correlation_id,
        causation_id=None,
        occurred_at=first.occurred_at,
        delivery_id=uuid.uuid4(),
        attempt=1,
        tenant=in_tenant,
    )
    with handling(handled), transaction.atomic():
        second = Message.objects.get(id=publish(ThingHappened(thing_id=uuid.uuid4())))
    assert second.correlation_id == first.correlation_id
    assert second.causation_id == first.id


def test_work_without_a_tenant_is_refused(db):
    with enter_public(), transaction.atomic(), pytest.raises(NoTenant):
        send(DoThing(thing_id=uuid.uuid4()))


def test_a_platform_message_inside_a_tenant_is_refused(in_tenant):
    with transaction.atomic(), pytest.raises(WrongScope):
        send(TendPlatform())


def test_a_platform_message_has_no_tenant(db):
    with enter_public(), transaction.atomic():
        message_id = send(TendPlatform())
        assert Delivery.objects.get(message_id=message_id).tenant_id is None


def test_posting_outside_of_a_transaction_is_refused(committed, tenant):
    with enter_tenant(tenant), pytest.raises(NotInTransaction):
        send(DoThing(thing_id=uuid.uuid4()))


class Undeclared(Command, frozen=True, kw_only=True):
    topic = "sample.undeclared"


class Unheard(Event, frozen=True, kw_only=True):
    topic = "sample.unheard"


def test_a_command_without_a_handler_is_a_mistake_and_an_event_without_one_is_not(in_tenant):
    with transaction.atomic():
        with pytest.raises(NotDeclared):
            send(Undeclared())
        message_id = publish(Unheard())
    assert not Delivery.objects.filter(message_id=message_id).exists()


def warm_up():
    """The directory and the routing are known from the first message on, and the search path is back with the second."""
    for _ in range(2):
        publish(ThingHappened(thing_id=uuid.uuid4()))


@pytest.mark.usefixtures("nothing_is_reread")
def test_publishing_costs_one_statement_however_many_subscribers(in_tenant, django_assert_num_queries):
    with transaction.atomic():
        warm_up()
        with django_assert_num_queries(1):
            publish(ThingHappened(thing_id=uuid.uuid4()))


class TestTogether:
    @pytest.mark.usefixtures("nothing_is_reread")
    def test_all_that_is_posted_costs_one_statement(self, in_tenant, django_assert_num_queries):
        with transaction.atomic():
            warm_up()
            with django_assert_num_queries(1), together():
                first = publish(ThingHappened(thing_id=uuid.uuid4()))
                second = send(DoThing(thing_id=uuid.uuid4()), delay=timedelta(minutes=5))
                third = publish(Unheard())
            assert set(Message.objects.values_list("id", flat=True)) >= {first, second, third}
        assert Delivery.objects.filter(message_id=first).count() == 2
        delayed = Delivery.objects.get(message_id=second)
        assert delayed.due_at == delayed.not_before > delayed.created_at + timedelta(minutes=4)

    def test_each_goes_to_the_journal_it_was_posted_in(self, tenant, other_tenant):
        with transaction.atomic(), together():
            with enter_tenant(tenant):
                here = send(DoThing(thing_id=uuid.uuid4()))
            with enter_tenant(other_tenant):
                there = send(DoThing(thing_id=uuid.uuid4()))
        for owner, own, foreign in ((tenant, here, there), (other_tenant, there, here)):
            with enter_tenant(owner):
                assert Message.objects.filter(id=own).exists()
                assert not Message.objects.filter(id=foreign).exists()
            assert Delivery.objects.get(message_id=own).tenant_id == owner.id

    def test_what_a_savepoint_rolls_back_is_never_written(self, in_tenant):
        with transaction.atomic(), together():
            kept = send(DoThing(thing_id=uuid.uuid4()))
            with pytest.raises(ValueError), transaction.atomic():
                dropped = send(DoThing(thing_id=uuid.uuid4()))
                raise ValueError
        assert list(Delivery.objects.filter(message_id__in=[kept, dropped]).values_list("message_id", flat=True)) == [
            kept
        ]

    def test_what_is_left_by_an_exception_is_never_written(self, in_tenant):
        with transaction.atomic():
            with pytest.raises(ValueError), together():
                dropped = send(DoThing(thing_id=uuid.uuid4()))
                raise ValueError
            with together():
                kept = send(DoThing(thing_id=uuid.uuid4()))
        assert set(Message.objects.filter(id__in=[kept, dropped]).values_list("id", flat=True)) == {kept}

    @pytest.mark.usefixtures("nothing_is_reread")
    def test_inner_blocks_leave_the_writing_to_the_outermost(self, in_tenant, django_assert_num_queries):
        with transaction.atomic():
            warm_up()
            with django_assert_num_queries(1), together():
                with together():
                    send(DoThing(thing_id=uuid.uuid4()))
                send(DoThing(thing_id=uuid.uuid4()))

    def test_needs_a_transaction(self, committed, tenant):
        with enter_tenant(tenant), pytest.raises(NotInTransaction), together():
            pass
