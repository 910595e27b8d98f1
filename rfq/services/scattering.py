"""Asking the unicorns of the vicinity: the scatter."""

from uuid import UUID

from api.services import record_step
from fleet.capabilities import SpeedClass
from fleet.domain import Point
from fleet.selectors import fleet_is_out_of_sight
from fleet.services import ask
from fleet.vicinity import Neighbour, Wanted, neighbours
from messaging.services import publish
from rfq import domain
from rfq.errors import FleetOutOfSight
from rfq.events import RfqScattered
from rfq.models import Invitation, Rfq
from rfq.selectors import ride_window
from rfq.services._locking import Locked, locked
from rfq.services.closing import close
from rfq.services.telling import News, identity, tell_operators


def scatter(*, rfq_id: UUID) -> bool:
    """Ask whoever is near and would do; False when nothing was done: they were asked before, or the request is closed.

    Raises:
        FleetOutOfSight: the positions are all too old to tell who is near (the feed was away for a while).
    """
    held = locked(rfq_id)
    if held is None or held.rfq.state != domain.State.OPEN or held.rfq.scattered_at is not None:
        return False
    rfq = held.rfq
    if held.now >= rfq.deadline_at:
        close(held, domain.Reason.DEADLINE)
        return True
    found = _vicinity(held)
    if not found and fleet_is_out_of_sight():
        raise FleetOutOfSight("No unicorn has been seen lately; the request goes out when the fleet is in sight again.")
    rfq.scattered_at, rfq.asked = held.now, len(found)
    if not found:
        close(held, domain.Reason.NOBODY_NEAR)
        return True
    rfq.save(update_fields=["scattered_at", "asked"])
    _ask(rfq, found)
    record_step(operation_id=rfq.operation_id, step="asked")
    publish(RfqScattered(**identity(rfq), asked=len(found)))
    return True


def _vicinity(held: Locked) -> list[Neighbour]:
    rfq = held.rfq
    wanted = Wanted(
        passengers=rfq.passengers,
        during=ride_window(rfq, held.now),
        slowest=SpeedClass(rfq.slowest) if rfq.slowest else None,
        extras=tuple(rfq.extras),
    )
    return neighbours(
        pickup=Point(rfq.pickup_latitude, rfq.pickup_longitude),
        wanted=wanted,
        radius_m=rfq.radius_m,
        enough=domain.how_many_to_ask(rfq.wanted_offers),
        most=domain.MOST_ASKED,
    )


def _ask(rfq: Rfq, found: list[Neighbour]) -> None:
    correlation = ask(request_id=rfq.id, unicorn_ids=[each.unicorn.unicorn_id for each in found])
    Invitation.objects.bulk_create(
        Invitation(
            id=correlation[each.unicorn.unicorn_id],
            rfq=rfq,
            unicorn_id=each.unicorn.unicorn_id,
            unicorn_name=each.unicorn.name,
            distance_m=each.distance_m,
            ring=each.ring,
        )
        for each in found
    )
    tell_operators(rfq, list(correlation), News.ASKED)
