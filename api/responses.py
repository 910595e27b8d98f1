"""The answers that all endpoints give alike."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.models import Operation
from api.operations.serializers import represent
from api.prefer import wait_seconds, wait_until_final

# How long a client had better wait before it looks again, in seconds.
POLL_AFTER_SECONDS = 1


class OperationResponse(Response):
    """An answer whose body is an operation; `ApiView` lets it wait for the end when the client prefers so."""

    def __init__(self, operation: Operation, *, status: int) -> None:
        super().__init__(represent(operation), status=status)
        self.operation = operation
        _set_headers(self, operation)


def _set_headers(response: Response, operation: Operation) -> None:
    if operation.is_final:
        response.headers.pop("Retry-After", None)
    else:
        response["Retry-After"] = str(POLL_AFTER_SECONDS)


def accepted(operation: Operation, request: Request) -> Response:
    """`202 Accepted` with the operation, its address in `Location`, and when to look again in `Retry-After`.

    With `Prefer: wait=N` the answer goes out when the operation has ended (then `200`) or after N seconds.
    """
    response = OperationResponse(operation, status=202)
    response["Location"] = operation.path
    return response


def honour_prefer(request: Request, response: Any) -> None:
    """Wait as the client prefers, after the transaction, and show the operation as it then stands."""
    if not isinstance(response, OperationResponse) or response.operation.is_final:
        return
    seconds = wait_seconds(request.headers.get("Prefer", ""))
    if not seconds or not wait_until_final(response.operation.id, seconds):
        return
    operation = Operation.objects.get(id=response.operation.id)
    response.data = represent(operation)
    response["Preference-Applied"] = f"wait={seconds}"
    _set_headers(response, operation)
    if operation.is_final:
        response.status_code = 200
