"""How endpoints are described in our OpenAPI document: what all of them share is added here, once."""

from functools import lru_cache
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from api.operations.serializers import OperationSerializer
from api.serializers import ProblemSerializer
from wildrydes.kernel.problems import CONTENT_TYPE

_PROBLEMS = {
    "400": "The request cannot be read: body, query parameters or headers.",
    "401": "No valid access token.",
    "403": "The caller's role, or the token's company, does not allow it.",
    "404": "There is no such thing, or it is not the caller's.",
    "406": "The client takes no JSON.",
    "409": "The current state does not allow it; with `Retry-After`: a request with the same key is in progress.",
    "413": "The body is too large.",
    "415": "The body is not JSON in UTF-8.",
    "422": "Fields are not valid; `errors` points at each. Or the idempotency key was used for another request.",
    "429": "The quota is used up, or too much accepted work still waits. `Retry-After` says when to come back.",
    "503": "Something is away for the moment. `Retry-After` says when to come back.",
}
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_WITH_BODY = ("POST", "PUT", "PATCH")

ACCEPTED = {
    202: OpenApiResponse(OperationSerializer, description="Accepted; follow the operation at `Location`."),
    200: OpenApiResponse(OperationSerializer, description="With `Prefer: wait=N`: it has ended meanwhile."),
}


@lru_cache(maxsize=256)
def page_of(item: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The description of a page of items, as `paginate` answers it."""
    name = item.__name__.removesuffix("Serializer")
    page: serializers.Serializer[Any] = inline_serializer(
        name=f"{name}Page",
        fields={
            "items": item(many=True),
            "next": serializers.CharField(allow_null=True, help_text="Path of the next page; null on the last."),
        },
    )
    return page


def _header(
    name: str, description: str, *, required: bool = False, example: str = "", **kinds: Any
) -> OpenApiParameter:
    examples = [OpenApiExample(name, value=example)] if example else []
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, description=description, required=required, examples=examples, **kinds
    )


_IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "A new UUID for each booking, the same one when the request is sent again: it is then answered, not done, again.",
    required=True,
    example="8e03978e-40d5-43e8-bc93-6894a57f9324",
)
_PREFER = _header(
    "Prefer",
    "`wait=N` (RFC 7240) holds the answer back until the operation has ended, at most N (and at most 20) seconds.",
    example="wait=10",
)
_LOCATION = _header("Location", "Path of the operation.", response=[202])
_RETRY_AFTER = _header("Retry-After", "Seconds to wait before the next look.", response=[202, 429, 503])
_RATE_LIMIT = _header(
    "RateLimit", "What is left of the quota (draft-ietf-httpapi-ratelimit-headers).", response=[200, 201, 202, 204, 429]
)


class ApiSchema(AutoSchema):
    """Adds to each endpoint its errors as problem documents, the shared headers, and a summary from its docstring."""

    method: str
    path: str
    view: Any

    def get_summary(self) -> str | None:
        """The docstring's first sentence."""
        summary, _, _ = (self.get_description() or "").replace("\n", " ").partition(". ")
        return summary.split(": ")[0].rstrip(".:") or None

    def get_override_parameters(self) -> list[Any]:
        """The headers that follow from what kind of endpoint it is."""
        statuses = self._declared_statuses()
        found = [*super().get_override_parameters()]
        if self.method == "POST" and getattr(self.view, "answers_replays", False):
            found.append(_IDEMPOTENCY_KEY)
        if "202" in statuses or getattr(self.view, "answers_operation", False):
            found.append(_PREFER)
        if "202" in statuses:
            found.append(_LOCATION)
        if self._is_authenticated():
            found.append(_RATE_LIMIT)
        return [*found, _RETRY_AFTER]

    def _declared_statuses(self) -> set[str]:
        declared = self.get_response_serializers()
        return {str(code) for code in declared} if isinstance(declared, dict) else set()

    def _is_authenticated(self) -> bool:
        return any(self.view.get_authenticators())

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._problem_statuses():
            if status not in bodies:
                described = OpenApiResponse(ProblemSerializer, description=_PROBLEMS[status])
                bodies[status] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    described, status, [CONTENT_TYPE], direction
                )
        return dict(sorted(bodies.items()))

    def _problem_statuses(self) -> list[str]:
        # Endpoints without a token take credentials in the body, and refuse wrong ones in the same ways.
        statuses = ["400", "401", "403", "404", "406", "429", "503"]
        if self.method in _WRITES:
            statuses.append("409")
        if self.method in _WITH_BODY:
            statuses += ["413", "415", "422"]
        return statuses
