"""The caller's own points."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import PageQuery, paginate
from api.serializers import read_query
from api.views import ApiView
from loyalty import selectors
from loyalty.api.serializers import AccountSerializer
from loyalty.models import Entry

_EXAMPLE = OpenApiExample(
    "After one ride",
    value={
        "balance": 18,
        "items": [
            {
                "id": "019aa3c5-7f52-7bd1-8f6e-2b1d7a3c9e10",
                "booking_id": "019aa3c5-6c11-7e0a-9d3b-51f0c7a2b344",
                "kind": "earned",
                "points": 18,
                "created_at": "2026-11-21T09:30:02.114000Z",
            }
        ],
        "next": None,
    },
    response_only=True,
)


class LoyaltyAccount(ApiView):
    """Points and where they came from."""

    @extend_schema(
        operation_id="get_loyalty",
        tags=["loyalty"],
        parameters=[PageQuery],
        responses={200: AccountSerializer},
        examples=[_EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        """The balance and a page of entries. Points come a moment after a ride is confirmed."""
        user_id = self.principal.user_id
        page = paginate(request, selectors.entries_of(user_id), read_query(request, PageQuery), _represent)
        page.data = {"balance": selectors.balance_of(user_id), **page.data}
        return page


def _represent(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "booking_id": entry.booking_id,
        "kind": str(entry.kind),
        "points": entry.points,
        "created_at": entry.created_at,
    }
