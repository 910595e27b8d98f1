"""How the endpoints are described in the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample, extend_schema

from api.schema import ACCEPTED, page_of
from rfq.api.serializers import (
    ExplanationSerializer,
    PolicyRequest,
    PolicySerializer,
    RfqQuery,
    RfqRequest,
    RfqSerializer,
)

_TAG = ["quotes"]
_REQUEST = OpenApiExample(
    "Two people with wishes, three offers wanted",
    value={
        "pickup": {"latitude": 36.1147, "longitude": -115.1728, "label": "Conference hotel"},
        "dropoff": {"latitude": 36.0831, "longitude": -115.1482, "label": "Airport, terminal 1"},
        "passengers": 2,
        "wishes": {"extras": ["free_drinks"], "slowest": "canter"},
        "deadline_seconds": 30,
        "wanted_offers": 3,
        "radius_m": 8000,
        "strategy": "cheapest",
    },
    request_only=True,
)

list_docs = extend_schema(
    operation_id="list_rfqs", tags=_TAG, parameters=[RfqQuery], responses={200: page_of(RfqSerializer)}
)
create_docs = extend_schema(
    operation_id="create_rfq", tags=_TAG, request=RfqRequest, responses=ACCEPTED, examples=[_REQUEST]
)
detail_docs = extend_schema(operation_id="get_rfq", tags=_TAG, responses={200: RfqSerializer})
explain_docs = extend_schema(operation_id="explain_rfq", tags=_TAG, responses={200: ExplanationSerializer})
withdraw_docs = extend_schema(operation_id="withdraw_rfq", tags=_TAG, request=None, responses={200: RfqSerializer})
get_policy_docs = extend_schema(operation_id="get_rfq_policy", tags=_TAG, responses={200: PolicySerializer})
put_policy_docs = extend_schema(
    operation_id="set_rfq_policy", tags=_TAG, request=PolicyRequest, responses={200: PolicySerializer}
)
