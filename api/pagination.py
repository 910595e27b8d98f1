"""Cursor pagination over UUIDv7 ids, newest first.

Pages stay put while rows are added, and the last page costs what the first does.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import InvalidQuery
from api.serializers import QuerySerializer

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_MAC_BYTES = 11
_MAX_CURSOR_LENGTH = 64

M = TypeVar("M", bound=Model)


class PageQuery(QuerySerializer):
    """Parameters of every list; lists with filters derive from it and read it with `read_query`."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="How many items a page has at most."
    )
    cursor = serializers.CharField(
        required=False, max_length=_MAX_CURSOR_LENGTH, help_text="From the previous page's `next`; means nothing else."
    )


@dataclass(frozen=True)
class Cursor:
    """Turns ids into opaque cursors and back. Signed for one list of one tenant: a cursor is not a way to probe for ids."""

    scope: str

    def _mac(self, raw: bytes) -> bytes:
        key = hashlib.sha256(f"api.pagination:{settings.SECRET_KEY}".encode()).digest()
        return hmac.digest(key, self.scope.encode() + b"\0" + raw, "sha256")[:_MAC_BYTES]

    def encode(self, last_id: UUID) -> str:
        """The cursor that continues after `last_id`."""
        return base64.urlsafe_b64encode(last_id.bytes + self._mac(last_id.bytes)).decode()

    def decode(self, text: str) -> UUID:
        """The id that the cursor stands for.

        Raises:
            InvalidQuery: it is not one that this list gave out.
        """
        try:
            raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 16 + _MAC_BYTES or not hmac.compare_digest(self._mac(raw[:16]), raw[16:]):
            raise InvalidQuery(
                "Start again without a cursor.",
                errors=[{"parameter": "cursor", "detail": "This is not a cursor of this list."}],
            )
        return UUID(bytes=raw[:16])


def paginate(request: Request, rows: QuerySet[M], query: dict[str, Any], represent: Callable[[M], Any]) -> Response:
    """A page of `rows`, which have UUIDv7 primary keys named `id`: `{"items": […], "next": path or null}`.

    Args:
        request: for its tenant, path and filters, which `next` keeps.
        rows: filtered, in any order.
        query: the validated parameters, from `read_query(request, PageQuery or a subclass)`.
        represent: one row as JSON-ready values.

    Raises:
        InvalidQuery: the cursor is not one that this list gave out.
    """
    cursor = Cursor(f"{request.tenant.id}{request.path}")  # type: ignore[attr-defined]  # set by the middleware
    limit = query["limit"]
    if "cursor" in query:
        rows = rows.filter(id__lt=cursor.decode(query["cursor"]))
    page = list(rows.order_by("-id")[: limit + 1])
    following = None
    if len(page) > limit:
        page.pop()
        kept = [(name, value) for name, value in request.query_params.items() if name != "cursor"]
        following = f"{request.path}?{urlencode([*kept, ('cursor', cursor.encode(page[-1].pk))])}"
    response = Response({"items": [represent(row) for row in page], "next": following})
    if following:
        response["Link"] = f'<{following}>; rel="next"'
    return response
