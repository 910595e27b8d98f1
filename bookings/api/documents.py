"""How the endpoints are described in the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample, extend_schema

from api.schema import ACCEPTED, page_of
from bookings.api.serializers import BookingQuery, BookingRequest, BookingSerializer

_RIDE = {
    "id": "019aa3c5-6c11-7e0a-9d3b-51f0c7a2b344",
    "state": "confirmed",
    "user_id": "019aa3b0-11d2-7c55-8a10-0e4d9c0b7f21",
    "pickup": {"latitude": 36.1147, "longitude": -115.1728, "label": "Conference hotel"},
    "dropoff": {"latitude": 36.0831, "longitude": -115.1482, "label": "Airport, terminal 1"},
    "passengers": 2,
    "pickup_at": "2026-11-21T09:30:00.000000Z",
    "expected_pickup_at": "2026-11-21T09:32:12.000000Z",
    "reference": "CC-4711",
    "distance_m": 4149,
    "fare": {"amount_minor": 1031, "currency": "USD"},
    "paid_by": "card",
    "refund": "none",
    "fee": {"amount_minor": 0, "currency": "USD"},
    "no_show": False,
    "unicorn": {"id": "019aa0f1-3f5a-7d02-b6f4-7a1c2e9d8b55", "name": "Nimbus"},
    "failure": None,
    "requested_at": "2026-11-21T09:30:00.000000Z",
    "confirmed_at": "2026-11-21T09:30:00.412000Z",
    "completed_at": None,
    "cancelled_at": None,
    "failed_at": None,
    "links": {
        "self": "/api/v1/bookings/019aa3c5-6c11-7e0a-9d3b-51f0c7a2b344",
        "operation": "/api/v1/operations/019aa3c5-6c11-7e0a-9d3b-51f0c7a2b345",
    },
}
_REQUEST = OpenApiExample(
    "Two people to the airport, as soon as possible",
    value={
        "pickup": _RIDE["pickup"],
        "dropoff": _RIDE["dropoff"],
        "passengers": 2,
        "reference": "CC-4711",
    },
    request_only=True,
)
_CONFIRMED = OpenApiExample("A confirmed ride", value=_RIDE, response_only=True, status_codes=["200"])

list_docs = extend_schema(
    operation_id="list_bookings",
    tags=["bookings"],
    parameters=[BookingQuery],
    responses={200: page_of(BookingSerializer)},
)
create_docs = extend_schema(
    operation_id="create_booking",
    tags=["bookings"],
    request=BookingRequest,
    responses=ACCEPTED,
    examples=[_REQUEST],
)
detail_docs = extend_schema(
    operation_id="get_booking", tags=["bookings"], responses={200: BookingSerializer}, examples=[_CONFIRMED]
)
cancel_docs = extend_schema(operation_id="cancel_booking", tags=["bookings"], request=None, responses=ACCEPTED)
