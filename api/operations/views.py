"""Following operations: poll, wait, list, ask to cancel."""

from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.operations.examples import FAILED, SUCCEEDED
from api.operations.serializers import OperationQuery, OperationSerializer, represent
from api.pagination import paginate
from api.responses import OperationResponse, accepted
from api.schema import ACCEPTED, page_of
from api.selectors import operation_for, visible_operations
from api.serializers import read_query
from api.services import request_cancellation
from api.views import ApiView


class OperationList(ApiView):
    """The operations that the caller may see, newest first."""

    @extend_schema(
        operation_id="list_operations", parameters=[OperationQuery], responses={200: page_of(OperationSerializer)}
    )
    def get(self, request: Request) -> Response:
        """A page of operations, filtered by status and kind."""
        query = read_query(request, OperationQuery)
        filters = {name: query[name] for name in ("status", "kind") if name in query}
        return paginate(request, visible_operations(self.principal).filter(**filters), query, represent)


class OperationDetail(ApiView):
    """One operation."""

    answers_operation = True

    @extend_schema(operation_id="get_operation", responses={200: OperationSerializer}, examples=[SUCCEEDED, FAILED])
    def get(self, request: Request, operation_id: UUID) -> Response:
        """Where it stands: always `200`, whatever became of it. `Prefer: wait=N` waits for its end."""
        return OperationResponse(operation_for(self.principal, operation_id), status=200)

    @extend_schema(operation_id="cancel_operation", request=None, responses=ACCEPTED)
    def delete(self, request: Request, operation_id: UUID) -> Response:
        """Ask to cancel it; follow it to see whether that was still possible. Asking again is answered like the first time."""
        operation = operation_for(self.principal, operation_id)
        with transaction.atomic():
            return accepted(request_cancellation(operation=operation), request)
