"""Two tenants with something of everything, each marked so that a leak shows."""

import hashlib
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from bookings.models import Booking
from bookings.services import RideRequest, request_booking
from fleet.domain import Point, cell_of
from fleet.models import Unicorn, UnicornPosition
from loyalty.models import Account, Entry, EntryKind
from messaging.journal.models import Message
from notifications.models import Push
from notifications.services import set_endpoint
from rfq.models import Invitation, Offer, Rfq
from rfq.services import QuotesWanted, request_quotes
from tenants.identity.events import SendInvitation
from tenants.identity.models import Role, User
from tenants.identity.services import invite_user, issue_tokens
from tenants.identity.tokens import AccessToken
from tenants.registry.context import enter_tenant
from tenants.registry.directory import TenantRef
from wildrydes.kernel.encryption import unseal
from wildrydes.kernel.ids import new_id

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Possessions:
    """What one tenant has. `texts` fill the examples, `secrets` must never be seen by the other tenant."""

    tenant: TenantRef
    host: str
    token: str
    texts: dict[str, str]
    secrets: frozenset[str]


def furnish(tenant: TenantRef) -> Possessions:
    """Give the tenant users, a ride, points, a webhook and a push, all marked with a word of its own."""
    mark = f"mark-{hashlib.sha256(tenant.slug.encode()).hexdigest()[:16]}"
    with enter_tenant(tenant), transaction.atomic():
        boss = User.objects.create_user(f"{mark}@boss.example", PASSWORD, name=f"{mark} boss", role=Role.ADMINISTRATOR)
        # A second administrator, so that the first may be changed by the example.
        User.objects.create_user(f"{mark}@deputy.example", name=f"{mark} deputy", role=Role.ADMINISTRATOR)
        invite_user(email=f"{mark}@guest.example", name=f"{mark} guest", role=Role.RIDER)
        booking = _ride(boss.id, mark)
        Account.objects.create(user_id=boss.id, balance=7)
        entry = Entry.objects.create(user_id=boss.id, booking_id=booking.id, kind=EntryKind.EARNED, points=7)
        set_endpoint(url=f"https://hooks.example/{mark}")
        push = Push.objects.create(id=uuid4(), type="booking.confirmed", booking_id=booking.id)
        rfq, offer = _quote(boss.id, mark)
        token = str(AccessToken.of(boss, tenant))
        refresh = issue_tokens(user=boss).refresh
        texts = {
            "booking_id": str(booking.id),
            "operation_id": str(booking.operation_id),
            "rfq_id": str(rfq.id),
            "offer_id": str(offer.id),
            "user_id": str(boss.id),
            "email": boss.email,
            "password": PASSWORD,
            "refresh": refresh,
            "token": _mailed_token(),
        }
    ids = {
        texts["booking_id"],
        texts["operation_id"],
        texts["rfq_id"],
        texts["offer_id"],
        texts["user_id"],
        str(entry.id),
        str(push.id),
    }
    return Possessions(tenant, f"{tenant.slug}.localhost", token, texts, frozenset({mark, *ids}))


def _mailed_token() -> str:
    """The invitation's token, which only the mail tells."""
    command = Message.objects.filter(topic=SendInvitation.topic).latest("id")
    return unseal(command.payload["sealed_token"], keys=settings.FIELD_ENCRYPTION_KEY)


def _ride(user_id: UUID, mark: str) -> Booking:
    wanted = RideRequest(
        pickup=Point(36.1147, -115.1728), dropoff=Point(36.12, -115.2), passengers=1, pickup_label=mark, reference=mark
    )
    booking, _ = request_booking(user_id=user_id, wanted=wanted, correlation_id=uuid4())
    return booking


def _quote(user_id: UUID, mark: str) -> tuple[Rfq, Offer]:
    """A request with an offer of a unicorn that is free."""
    pickup = Point(36.1147, -115.1728)
    wanted = QuotesWanted(pickup=pickup, dropoff=Point(36.12, -115.2), passengers=1, pickup_label=mark, reference=mark)
    rfq, _ = request_quotes(user_id=user_id, wanted=wanted, correlation_id=uuid4())
    unicorn = Unicorn.objects.create(operator_ref=uuid4(), name=f"{mark} unicorn", capacity=4, status="available")
    UnicornPosition.objects.create(
        unicorn=unicorn, latitude=pickup.latitude, longitude=pickup.longitude, cell=cell_of(pickup), reported_at=Now()
    )
    asked = Invitation.objects.create(
        id=new_id(), rfq=rfq, unicorn_id=unicorn.id, unicorn_name=unicorn.name, distance_m=1, ring=0, answer="offer"
    )
    offer = Offer.objects.create(
        rfq=rfq, invitation=asked, unicorn_id=unicorn.id, unicorn_name=unicorn.name, price_minor=700, eta_seconds=60,
        received_at=rfq.requested_at, valid_until=rfq.deadline_at,
    )  # fmt: skip
    return rfq, offer


def fingerprint(tenant: TenantRef) -> str:
    """A digest of every row of the tenant's schema: equal means that nothing was written."""
    digest = hashlib.sha256()
    with enter_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [tenant.schema_name])
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM {table} r")
            digest.update(f"{table}:{cursor.fetchone()[0]}".encode())
    return digest.hexdigest()
