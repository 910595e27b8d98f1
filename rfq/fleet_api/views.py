"""What unicorns are asked, and where they answer; on the public host, with a fleet token."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers import read_query
from fleet.api.views import FleetView
from rfq import asking, services
from rfq.fleet_api.documents import answer_docs, request_docs, requests_docs
from rfq.fleet_api.serializers import AnswerRequest, RequestsQuery, answer_of
from rfq.presentation import time_text


class FleetRequests(FleetView):
    """What the caller's unicorns are asked."""

    @requests_docs
    def get(self, request: Request) -> Response:
        """Requests that are open and not answered, oldest first."""
        query = read_query(request, RequestsQuery)
        return Response(
            {"items": asking.open_requests_for(self.speaker, after=query.get("after"), limit=query["limit"])}
        )


class FleetRequest(FleetView):
    """One request, as it stands for the unicorn that was asked."""

    @request_docs
    def get(self, request: Request, correlation_id: UUID) -> Response:
        """Open, answered, closed, withdrawn or won."""
        return Response(asking.inquiry_for(self.speaker, correlation_id))


class FleetAnswers(FleetView):
    """Where answers arrive."""

    @answer_docs
    def post(self, request: Request) -> Response:
        """Offer, or decline. The first answer counts, and only until `answer_by`, by our clock."""
        body = AnswerRequest(data=request.data)
        body.is_valid(raise_exception=True)
        answer = answer_of(body.validated_data)
        receipt = services.take_answer(speaker=self.speaker, answer=answer)
        told = {
            "correlation_id": answer.correlation_id,
            "answer": receipt.answer.value,
            "received_at": time_text(receipt.received_at),
            "valid_until": time_text(receipt.valid_until),
        }
        return Response(told, status=201)
