"""The company's webhook, for its administrators."""

from typing import Any

from django.db import transaction
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import paginate
from api.permissions import IsAdministrator
from api.serializers import read_query
from api.views import ApiView
from notifications import selectors, services
from notifications.api.documents import (
    delete_endpoint_docs,
    deliveries_docs,
    get_endpoint_docs,
    put_endpoint_docs,
    rotate_docs,
)
from notifications.api.serializers import EndpointRequest, PushQuery
from notifications.models import Endpoint
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.http import OutboundRefused, check_url


class _ForAdministrators(ApiView):
    permission_classes = [IsAuthenticated, IsAdministrator]


class WebhookEndpoint(_ForAdministrators):
    """Where the company is told what happened to its rides."""

    @get_endpoint_docs
    def get(self, request: Request) -> Response:
        """The endpoint and how it is doing; never its secret."""
        return Response(_endpoint(selectors.the_endpoint()))

    @put_endpoint_docs
    def put(self, request: Request) -> Response:
        """Set it. The first time (`201`) the answer has the secret; a disabled endpoint is tried again."""
        body = EndpointRequest(data=request.data)
        body.is_valid(raise_exception=True)
        url = body.validated_data["url"]
        try:
            check_url(url)
        except OutboundRefused as error:
            raise InvalidInput.at("/url", error.detail) from error
        with transaction.atomic():
            configured = services.set_endpoint(url=url)
        return Response(
            _endpoint(configured.endpoint, configured.secret), status=200 if configured.secret is None else 201
        )

    @delete_endpoint_docs
    def delete(self, request: Request) -> Response:
        """Push nothing any more."""
        services.remove_endpoint()
        return Response(status=204)


class WebhookSecret(_ForAdministrators):
    """The secret that pushes are signed with."""

    @rotate_docs
    def post(self, request: Request) -> Response:
        """A new one, shown this once; the old one signs along for a day."""
        with transaction.atomic():
            configured = services.rotate_secret()
        return Response(_endpoint(configured.endpoint, configured.secret), status=201)


class WebhookDeliveries(_ForAdministrators):
    """The log of pushes."""

    @deliveries_docs
    def get(self, request: Request) -> Response:
        """A page of it, newest first."""
        query = read_query(request, PushQuery)
        rows = selectors.pushes()
        if "state" in query:
            rows = rows.filter(state=query["state"])
        return paginate(request, rows, query, _push)


def _endpoint(endpoint: Endpoint, secret: str | None = None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "url": endpoint.url,
        "state": str(endpoint.state),
        "state_since": endpoint.state_since,
        "created_at": endpoint.created_at,
        "previous_secret_valid_until": endpoint.previous_valid_until,
    }
    return shown if secret is None else {**shown, "secret": secret}


def _push(push: Any) -> dict[str, Any]:
    return {
        "id": push.id,
        "type": push.type,
        "booking_id": push.booking_id,
        "state": str(push.state),
        "attempts": push.attempts,
        "response_status": push.response_status,
        "last_error": push.last_error,
        "created_at": push.created_at,
        "ended_at": push.ended_at,
    }
