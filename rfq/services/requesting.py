"""Accepting a request for quotes: everything that can be checked at once is, the unicorns are asked after the answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.models import Operation
from api.services import open_operation
from fleet import rides
from fleet.capabilities import SpeedClass
from fleet.domain import Point
from fleet.services import open_call
from messaging.services import send
from rfq import domain
from rfq.events import CloseRfq, Scatter
from rfq.models import Rfq
from rfq.paths import OPERATION, request_path
from rfq.ranking import StrategyName
from rfq.selectors import policy
from rfq.services._locking import database_now
from tenants.registry.context import current_tenant
from wildrydes.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True)
class QuotesWanted:
    """What a client asks for. No `pickup_at`: as soon as possible; no `strategy`: the company's."""

    pickup: Point
    dropoff: Point
    passengers: int
    pickup_label: str = ""
    dropoff_label: str = ""
    pickup_at: datetime | None = None
    reference: str = ""
    slowest: SpeedClass | None = None
    extras: tuple[str, ...] = ()
    deadline_seconds: int = domain.DEFAULT_DEADLINE_S
    wanted_offers: int = domain.DEFAULT_OFFERS
    radius_m: int = domain.DEFAULT_RADIUS_M
    strategy: StrategyName | None = None


def request_quotes(*, user_id: UUID, wanted: QuotesWanted, correlation_id: UUID) -> tuple[Rfq, Operation]:
    """Accept the request: its row, its operation, the command that asks the unicorns and the one that keeps the deadline.

    Raises:
        InvalidInput: for a distance, a time or a text that cannot be.
    """
    tenant, now, rfq_id = current_tenant(), database_now(), new_id()
    time_allowed = timedelta(seconds=wanted.deadline_seconds)
    distance = rides.checked_distance(wanted.pickup, wanted.dropoff)
    operation = open_operation(
        kind=OPERATION,
        user_id=user_id,
        resource_path=request_path(rfq_id),
        resource_id=rfq_id,
        deadline_at=now + time_allowed + domain.CLOSED_WITHIN,
        correlation_id=correlation_id,
    )
    rfq = Rfq.objects.create(
        id=rfq_id,
        user_id=user_id,
        operation_id=operation.id,
        correlation_id=correlation_id,
        pickup_latitude=wanted.pickup.latitude,
        pickup_longitude=wanted.pickup.longitude,
        pickup_label=rides.checked_text(wanted.pickup_label, pointer="/pickup/label"),
        dropoff_latitude=wanted.dropoff.latitude,
        dropoff_longitude=wanted.dropoff.longitude,
        dropoff_label=rides.checked_text(wanted.dropoff_label, pointer="/dropoff/label"),
        passengers=wanted.passengers,
        pickup_at=rides.checked_pickup_time(wanted.pickup_at, now=now),
        reference=rides.checked_text(wanted.reference, pointer="/reference"),
        distance_m=distance,
        currency=tenant.currency,
        slowest=wanted.slowest.value if wanted.slowest else "",
        extras=sorted(set(wanted.extras)),
        radius_m=wanted.radius_m,
        wanted_offers=wanted.wanted_offers,
        strategy=(wanted.strategy or policy().strategy).value,
        requested_at=now,
        deadline_at=now + time_allowed,
    )
    open_call(request_id=rfq_id, tenant_id=tenant.id, closes_at=rfq.deadline_at)
    send(Scatter(rfq_id=rfq_id), correlation_id=correlation_id)
    send(CloseRfq(rfq_id=rfq_id), correlation_id=correlation_id, delay=time_allowed)
    return rfq, operation
