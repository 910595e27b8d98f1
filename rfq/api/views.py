"""Asking for quotes, watching offers come in, withdrawing. Accepting one makes a ride, and so belongs to bookings."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http.response import HttpResponseBase
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.admission import admit_work
from api.correlation import correlation_id
from api.idempotency import idempotent
from api.pagination import paginate
from api.permissions import IsAdministrator
from api.responses import accepted
from api.serializers import read_query
from api.views import ApiView
from rfq import selectors, services
from rfq.api.documents import (
    create_docs,
    detail_docs,
    explain_docs,
    get_policy_docs,
    list_docs,
    put_policy_docs,
    withdraw_docs,
)
from rfq.api.serializers import PolicyRequest, RfqQuery, RfqRequest, policy_wanted, quotes_wanted
from rfq.explaining import explain
from rfq.models import Rfq
from rfq.presentation import quotes


class RfqList(ApiView):
    """The requests that the caller may see, and where new ones are made."""

    answers_replays = True

    @list_docs
    def get(self, request: Request) -> Response:
        """A page of requests for quotes, newest first."""
        query = read_query(request, RfqQuery)
        rows = selectors.visible_requests(self.principal)
        if "state" in query:
            rows = rows.filter(state=query["state"])
        return paginate(request, rows, query, _shown)

    @create_docs
    def post(self, request: Request) -> HttpResponseBase:
        """Ask the unicorns near the pick-up for their best offers. Follow the operation, or read the request, to see them."""

        def ask() -> Response:
            admit_work(self.tenant)
            body = RfqRequest(data=request.data)
            body.is_valid(raise_exception=True)
            _, operation = services.request_quotes(
                user_id=self.principal.user_id,
                wanted=quotes_wanted(body.validated_data),
                correlation_id=correlation_id(),
            )
            return accepted(operation, request)

        return idempotent(request, ask)


class RfqDetail(ApiView):
    """One request."""

    @detail_docs
    def get(self, request: Request, rfq_id: UUID) -> Response:
        """Where it stands, with the offers so far, best first."""
        return Response(_shown(selectors.request_for(self.principal, rfq_id)))


class RfqExplanation(ApiView):
    """Why the offers stand as they do."""

    @explain_docs
    def get(self, request: Request, rfq_id: UUID) -> Response:
        """Every unicorn that was asked: declined, silent, late, or outranked by what."""
        rfq = selectors.request_for(self.principal, rfq_id)
        return Response(explain(rfq, now=rfq.db_now))  # type: ignore[attr-defined]  # annotated by the selector


class RfqWithdrawal(ApiView):
    """The withdrawal of one request."""

    @withdraw_docs
    def post(self, request: Request, rfq_id: UUID) -> Response:
        """Call it off; the unicorns are told. Asking twice changes nothing."""
        rfq = selectors.request_for(self.principal, rfq_id)
        with transaction.atomic():
            services.withdraw(rfq_id=rfq.id)
        return Response(_shown(selectors.request_for(self.principal, rfq_id)))


class RfqPolicy(ApiView):
    """How the company's offers are ranked."""

    def get_permissions(self) -> list[Any]:
        """Everybody reads it, administrators set it."""
        return [IsAuthenticated()] if self.request.method == "GET" else [IsAuthenticated(), IsAdministrator()]

    @get_policy_docs
    def get(self, request: Request) -> Response:
        """The strategy where a request names none, and the weights of `best_value`."""
        return Response(_policy(selectors.policy()))

    @put_policy_docs
    def put(self, request: Request) -> Response:
        """Set both."""
        body = PolicyRequest(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = policy_wanted(body.validated_data)
        services.set_policy(wanted=wanted)
        return Response(_policy(wanted))


def _shown(rfq: Rfq) -> dict[str, Any]:
    return quotes(rfq, selectors.offers_of(rfq), now=rfq.db_now)  # type: ignore[attr-defined]  # annotated by the selector


def _policy(policy: selectors.Policy) -> dict[str, Any]:
    weights = policy.weights
    return {
        "strategy": policy.strategy.value,
        "weights": {"price": weights.price, "arrival": weights.arrival, "extras": weights.extras},
    }
