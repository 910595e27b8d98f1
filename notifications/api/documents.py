"""How the endpoints are described in the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample, extend_schema

from api.schema import page_of
from notifications.api.serializers import EndpointRequest, EndpointSerializer, PushQuery, PushSerializer

_TAG = ["webhook"]
_ENDPOINT = {
    "url": "https://finance.example.com/hooks/rides",
    "state": "active",
    "state_since": "2026-11-21T08:00:00.000000Z",
    "created_at": "2026-11-21T08:00:00.000000Z",
    "previous_secret_valid_until": None,
}
_SET = OpenApiExample("An endpoint", value={"url": _ENDPOINT["url"]}, request_only=True)
_NEW = OpenApiExample(
    "Set for the first time: the secret is shown once",
    value={**_ENDPOINT, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="},
    response_only=True,
    status_codes=["201"],
)
_SHOWN = OpenApiExample("How it is doing", value=_ENDPOINT, response_only=True, status_codes=["200"])

get_endpoint_docs = extend_schema(
    operation_id="get_webhook", tags=_TAG, responses={200: EndpointSerializer}, examples=[_SHOWN]
)
put_endpoint_docs = extend_schema(
    operation_id="set_webhook",
    tags=_TAG,
    request=EndpointRequest,
    responses={200: EndpointSerializer, 201: EndpointSerializer},
    examples=[_SET, _NEW, _SHOWN],
)
delete_endpoint_docs = extend_schema(operation_id="remove_webhook", tags=_TAG, responses={204: None})
rotate_docs = extend_schema(
    operation_id="rotate_webhook_secret",
    tags=_TAG,
    request=None,
    responses={201: EndpointSerializer},
    examples=[_NEW],
)
deliveries_docs = extend_schema(
    operation_id="list_webhook_deliveries",
    tags=_TAG,
    parameters=[PushQuery],
    responses={200: page_of(PushSerializer)},
)
