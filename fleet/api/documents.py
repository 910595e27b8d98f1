"""How the fleet's endpoints are described in its OpenAPI document."""

from drf_spectacular.utils import extend_schema

from fleet.api.serializers import (
    ReportRequest,
    ReportSerializer,
    TokenRequest,
    TokenSerializer,
    WebhookRequest,
    WebhookSerializer,
)

_TAG = ["fleet"]

token_docs = extend_schema(
    operation_id="get_fleet_token", tags=_TAG, request=TokenRequest, responses={200: TokenSerializer}
)
positions_docs = extend_schema(
    operation_id="report_positions", tags=_TAG, request=ReportRequest, responses={200: ReportSerializer}
)
put_webhook_docs = extend_schema(
    operation_id="set_fleet_webhook", tags=_TAG, request=WebhookRequest, responses={200: WebhookSerializer}
)
delete_webhook_docs = extend_schema(operation_id="remove_fleet_webhook", tags=_TAG, responses={204: None})
