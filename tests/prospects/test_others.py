"""Points, webhooks, operations, invitations, accounts and onboarding."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from api.events import ExpireOperation
from api.models import OPEN_STATUSES, Operation, OperationStatus
from bookings import events
from loyalty.models import Entry, EntryKind
from loyalty.services import award_points
from messaging.journal.models import Message
from messaging.messages import from_payload
from messaging.topology import Verdict
from notifications.models import Endpoint, EndpointState, Push, PushState
from notifications.services import set_endpoint
from tenants.identity.events import SendInvitation, UserProvisioned
from tenants.identity.models import Invitation, Role
from tenants.identity.services import invite_user
from tenants.onboarding.events import ProvisionTenant, TenantProvisioned
from tenants.onboarding.models import OnboardingRun, RunState
from tenants.onboarding.services import start_onboarding
from tenants.registry.directory import forget
from tenants.registry.models import Tenant
from tests.notifications.conftest import endpoint, loopback_is_allowed, receiver  # noqa: F401  # fixtures
from tests.prospects.conftest import handle
from tests.support.tampering import unguarded
from wildrydes.kernel.ids import new_id

ACT, OBSOLETE, UNKNOWN = Verdict.ACT, Verdict.OBSOLETE, Verdict.UNKNOWN


def ride(**more):
    now = timezone.now()
    return {
        "booking_id": new_id(), "user_id": new_id(), "reference": "", "fare_minor": 1_250, "currency": "USD",
        "pickup_at": now, **more,
    }  # fmt: skip


def confirmed(**more):
    return events.BookingConfirmed(
        **ride(**more), unicorn_id=new_id(), unicorn_name="Nimbus", expected_pickup_at=timezone.now(), paid_by="card"
    )


@pytest.mark.parametrize("status", list(OperationStatus), ids=str)
def test_an_operation_that_expires(in_tenant, status):
    ends = {} if status in OPEN_STATUSES else {"finished_at": timezone.now()}
    operation = Operation.objects.create(
        kind="booking", status=status, user_id=new_id(), resource_path="/", resource_id=new_id(),
        correlation_id=new_id(), deadline_at=timezone.now() + timedelta(hours=1), **ends,
    )  # fmt: skip
    wanted = ACT if status in OPEN_STATUSES else OBSOLETE
    assert handle("api.expire_operation", ExpireOperation(operation_id=operation.id)).check() is wanted
    assert handle("api.expire_operation", ExpireOperation(operation_id=new_id())).check() is OBSOLETE


def test_points(in_tenant):
    event = confirmed()
    judged = handle("loyalty.booking_confirmed", event)
    assert judged.check() is ACT
    assert judged.prospect.summary == f"{Entry.objects.get(booking_id=event.booking_id).points} points would be given."
    assert handle("loyalty.booking_confirmed", event).check() is OBSOLETE
    for was_confirmed, wanted in ((False, OBSOLETE), (True, ACT), (True, OBSOLETE)):
        cancelled = events.BookingCancelled(
            **ride(booking_id=event.booking_id, user_id=event.user_id), was_confirmed=was_confirmed
        )
        assert handle("loyalty.booking_cancelled", cancelled).check() is wanted
    assert handle("loyalty.booking_confirmed", event).check() is OBSOLETE


def test_points_taken_back_before_they_were_given(in_tenant):
    cancelled = events.BookingCancelled(**ride(), was_confirmed=True)
    assert handle("loyalty.booking_cancelled", cancelled).check() is ACT
    assert Entry.objects.get(booking_id=cancelled.booking_id).kind == EntryKind.TAKEN_BACK


def test_a_company_without_points(in_tenant):
    Tenant.objects.filter(id=in_tenant.id).update(features={"loyalty": False})
    forget()
    assert handle("loyalty.booking_confirmed", confirmed()).check() is OBSOLETE
    forget()


@pytest.mark.parametrize("topic", ["confirmed", "failed", "cancelled", "completed"])
def test_pushes(in_tenant, receiver, endpoint, topic):  # noqa: F811
    name, event = f"notifications.push_booking_{topic}", _event(topic)
    assert handle(name, event).check() is OBSOLETE  # no endpoint
    endpoint(receiver.url)
    message_id = new_id()
    judged = handle(name, event, message_id=message_id)
    assert judged.check() is ACT
    assert judged.prospect.summary == f"POST to {receiver.url.removesuffix('/hook')}."
    assert Push.objects.get(id=message_id).state == PushState.DELIVERED
    with unguarded():
        Message.objects.filter(id=message_id).delete()
    assert handle(name, event, message_id=message_id).check() is OBSOLETE  # delivered
    Endpoint.objects.update(state=EndpointState.DISABLED)
    assert handle(name, event).check() is OBSOLETE


def _event(topic):
    if topic == "failed":
        return events.BookingFailed(**ride(), code="x", detail="y")
    if topic == "cancelled":
        return events.BookingCancelled(**ride(), was_confirmed=True)
    if topic == "completed":
        return events.BookingCompleted(**ride(), unicorn_id=new_id(), unicorn_name="Nimbus")
    return confirmed()


def test_an_endpoint_that_may_not_be_called_any_more(in_tenant):
    with transaction.atomic():
        set_endpoint(url="gopher://x/")
    assert handle("notifications.push_booking_confirmed", confirmed()).check() is UNKNOWN


def test_invitations(in_tenant):
    with transaction.atomic():
        invite_user(email="ada@guest.example", name="Ada", role=Role.RIDER)
    row = Message.objects.filter(topic=SendInvitation.topic).latest("id")
    command = from_payload(row.payload, SendInvitation)
    judged = handle("identity.mail_invitation", command)
    assert judged.check() is ACT
    assert "ada" not in judged.prospect.summary.lower()
    other = SendInvitation(invitation_id=command.invitation_id, sealed_token="garbage")
    assert handle("identity.mail_invitation", other).check() is UNKNOWN
    Invitation.objects.update(accepted_at=timezone.now())
    assert handle("identity.mail_invitation", command).check() is OBSOLETE


def test_accounts_and_settings(in_tenant):
    tenant = TenantProvisioned(tenant_id=new_id(), name="New", tier="basic", currency="USD")
    user = UserProvisioned(user_id=new_id())
    for name, event in (
        ("accounts.open_billing_account", tenant),
        ("accounts.write_tenant_settings", tenant),
        ("accounts.add_billing_member", user),
        ("accounts.write_user_settings", user),
    ):
        assert handle(name, event).check() is ACT
        assert handle(name, event).check() is OBSOLETE


def test_onboarding(db):
    run = start_onboarding(name="Umbrella", slug="umbrella", tier="basic", currency="EUR", email="a@umbrella.example")
    command = ProvisionTenant(run_id=run.id)
    OnboardingRun.objects.filter(id=run.id).update(state=RunState.FAILED)
    assert handle("onboarding.provision", command).check() is OBSOLETE
    OnboardingRun.objects.filter(id=run.id).update(state=RunState.RUNNING)
    assert handle("onboarding.provision", command).check() is ACT
    assert handle("onboarding.provision", command).check() is OBSOLETE
    assert handle("onboarding.provision", ProvisionTenant(run_id=new_id())).check() is OBSOLETE


def test_points_are_given_once_whatever_is_foreseen(in_tenant):
    event = confirmed()
    with transaction.atomic():
        award_points(user_id=event.user_id, booking_id=event.booking_id, fare_minor=event.fare_minor)
    assert handle("loyalty.booking_confirmed", event).check() is OBSOLETE
