"""Reading requests and offers: a rider sees their own, managers and administrators all of the company's."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from api.principal import Principal
from fleet.models import Inquiry, InquiryState
from fleet.rides import reserved_until
from fleet.selectors import free_among
from rfq.domain import Counts, State
from rfq.models import AnswerChoice, Invitation, Offer, RankingPolicy, Rfq
from rfq.ranking import Quote, Ranked, StrategyName, Weights, rank
from wildrydes.kernel.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How the company ranks: by which strategy where the client names none, and by which weights."""

    strategy: StrategyName = StrategyName.BEST_VALUE
    weights: Weights = field(default_factory=Weights)


def policy() -> Policy:
    """The company's ranking policy, or the default one."""
    row = RankingPolicy.objects.first()
    if row is None:
        return Policy()
    return Policy(
        strategy=StrategyName(row.strategy),
        weights=Weights(price=row.weight_price, arrival=row.weight_arrival, extras=row.weight_extras),
    )


def visible_requests(principal: Principal) -> QuerySet[Rfq]:
    """The requests that the caller may see, each with its offers and the database's time (`db_now`)."""
    requests = Rfq.objects.annotate(db_now=Now()).prefetch_related("offers")
    return requests if principal.sees_everyone else requests.filter(user_id=principal.user_id)


def request_for(principal: Principal, rfq_id: UUID) -> Rfq:
    """One of them.

    Raises:
        NotFound: there is none with this id, or it is another user's.
    """
    rfq = visible_requests(principal).filter(id=rfq_id).first()
    if rfq is None:
        raise NotFound("There is no such request for quotes, or it is not yours.")
    return rfq


def offers_of(rfq: Rfq) -> list[Offer]:
    """The offers by their places, best first; while the request is open these are as of now."""
    offers = list(rfq.offers.all())
    if rfq.state == State.OPEN:
        place_offers(rfq, offers)
    return sorted(offers, key=lambda offer: (offer.rank or len(offers), offer.id))


def place_offers(rfq: Rfq, offers: Iterable[Offer]) -> list[Ranked]:
    """Give the offers their ranks and scores, in memory; answers the ranking."""
    known = {offer.id: offer for offer in offers}
    ranking = rank(
        [quote_of(offer) for offer in known.values()],
        strategy=StrategyName(rfq.strategy),
        weights=policy().weights,
    )
    for ranked in ranking:
        offer = known[ranked.quote.offer_id]
        offer.rank, offer.score = ranked.rank, ranked.score
    return ranking


def quote_of(offer: Offer) -> Quote:
    """What a strategy needs to know of it."""
    return Quote(
        offer_id=offer.id,
        price_minor=offer.price_minor,
        eta_seconds=offer.eta_seconds,
        extras=len(offer.extras),
        received_at=offer.received_at,
    )


def counts_of(rfq: Rfq) -> Counts:
    """How many have answered and offered so far."""
    found = Invitation.objects.filter(rfq=rfq).aggregate(
        answered=Count("id", filter=~Q(answer="")), offers=Count("id", filter=Q(answer=AnswerChoice.OFFER))
    )
    return Counts(asked=rfq.asked, answered=found["answered"], offers=found["offers"])


def ride_window(rfq: Rfq, now: datetime) -> tuple[datetime, datetime]:
    """The time that a unicorn has to be free for, were the ride booked now."""
    start = max(rfq.pickup_at, now)
    return start, reserved_until(start, rfq.distance_m)


def next_best(rfq: Rfq, *, but: UUID, now: datetime) -> Offer | None:
    """The best offer but this one that still stands and whose unicorn is free."""
    standing = [offer for offer in offers_of(rfq) if offer.id != but and offer.valid_until > now]
    free = free_among([offer.unicorn_id for offer in standing], during=ride_window(rfq, now))
    return next((offer for offer in standing if offer.unicorn_id in free), None)


def inquiries_in(rfq_id: UUID, *, operator_id: UUID, state: InquiryState | None = None) -> list[Inquiry]:
    """The operator's unicorns that were asked by this request, or those of them for which it stands like this."""
    rows = Inquiry.objects.select_related("unicorn").filter(call_id=rfq_id, unicorn__operator_id=operator_id)
    return list((rows if state is None else rows.filter(state=state)).order_by("id"))
