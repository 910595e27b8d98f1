"""What operators and unicorns call, on the public host: tokens, positions, the webhook."""

from typing import Any

from django.db import transaction
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import ApiView
from fleet import services
from fleet.api.authentication import FleetAuthentication
from fleet.api.documents import delete_webhook_docs, positions_docs, put_webhook_docs, token_docs
from fleet.api.serializers import TokenRequest, WebhookRequest, read_report
from fleet.principal import Speaker
from fleet.tokens import LIFETIME, issue_token
from wildrydes.kernel.errors import Forbidden, InvalidInput
from wildrydes.kernel.http import OutboundRefused, check_url


class FleetView(ApiView):
    """Base of the fleet's endpoints: strict like all others, with a fleet token in place of a tenant's."""

    authentication_classes = [FleetAuthentication]
    permission_classes = [IsAuthenticated]

    @property
    def speaker(self) -> Speaker:
        """Who is asking."""
        if not isinstance(self.request.user, Speaker):
            raise TypeError("The view let a request in that carries no fleet token.")
        return self.request.user


class FleetToken(ApiView):
    """Where a credential becomes a token."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    @token_docs
    def post(self, request: Request) -> Response:
        """A token, good for ten minutes."""
        body = TokenRequest(data=request.data)
        body.is_valid(raise_exception=True)
        speaker = services.speaker_with(
            credential_id=body.validated_data["credential"], secret=body.validated_data["secret"]
        )
        return Response({"access": issue_token(speaker), "expires_in": int(LIFETIME.total_seconds())})


class Positions(FleetView):
    """Where unicorns are."""

    @positions_docs
    def put(self, request: Request) -> Response:
        """Report places and availability, up to 400 unicorns at once."""
        reported = services.report_positions(speaker=self.speaker, seen=read_report(request.data))
        return Response({"moved": reported.moved, "changed": reported.changed, "unknown": reported.unknown})


class FleetWebhook(FleetView):
    """Where an operator has its requests pushed to."""

    @put_webhook_docs
    def put(self, request: Request) -> Response:
        """Set the address. The secret is made anew and shown this once."""
        _operators_only(self.speaker)
        body = WebhookRequest(data=request.data)
        body.is_valid(raise_exception=True)
        url = body.validated_data["url"]
        try:
            check_url(url)
        except OutboundRefused as error:
            raise InvalidInput.at("/url", error.detail) from error
        with transaction.atomic():
            secret = services.set_webhook(operator_id=self.speaker.operator_id, url=url)
        return Response({"url": url, "secret": secret})

    @delete_webhook_docs
    def delete(self, request: Request) -> Response:
        """Push nothing any more; requests can still be pulled."""
        _operators_only(self.speaker)
        services.remove_webhook(operator_id=self.speaker.operator_id)
        return Response(status=204)


def _operators_only(speaker: Speaker) -> None:
    if speaker.unicorn_id is not None:
        raise Forbidden("A single unicorn's credential cannot change where its operator is called.")
