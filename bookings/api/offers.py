"""Accepting an offer: the one thing about quotes that belongs to bookings."""

from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.admission import admit_work
from api.idempotency import idempotent
from api.responses import accepted
from api.schema import ACCEPTED
from api.serializers import StrictSerializer
from api.views import ApiView
from bookings import services
from bookings.domain import COMPANY_CARD
from rfq.selectors import request_for


class AcceptanceRequest(StrictSerializer):
    """Which offer, and how it is paid."""

    offer_id = serializers.UUIDField()
    payment_source = serializers.CharField(
        required=False,
        max_length=64,
        help_text=f"The payment provider's token of a card. `{COMPANY_CARD}`, the company's card on file, by default.",
    )


class RfqAcceptance(ApiView):
    """The acceptance of one of a request's offers."""

    answers_replays = True

    @extend_schema(
        operation_id="accept_offer",
        tags=["quotes"],
        request=AcceptanceRequest,
        responses=ACCEPTED,
        examples=[
            OpenApiExample(
                "The best one", value={"offer_id": "019aa3c5-6c11-7e0a-9d3b-51f0c7a2b399"}, request_only=True
            )
        ],
    )
    def post(self, request: Request, rfq_id: UUID) -> HttpResponseBase:
        """Book an offer at its price. When its unicorn is gone, `409` names the next best offer in `next_offer`."""

        def accept() -> Response:
            admit_work(self.tenant)
            body = AcceptanceRequest(data=request.data)
            body.is_valid(raise_exception=True)
            rfq = request_for(self.principal, rfq_id)
            _, operation = services.accept_offer(
                user_id=self.principal.user_id,
                wanted=services.Acceptance(
                    rfq_id=rfq.id,
                    offer_id=body.validated_data["offer_id"],
                    payment_source=body.validated_data.get("payment_source"),
                ),
            )
            return accepted(operation, request)

        return idempotent(request, accept)
