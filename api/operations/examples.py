"""Operations as the OpenAPI document shows them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from wildrydes.kernel.problems import TYPE_PREFIX

_ID = "019a3c5e-7d3a-7c52-9a5e-0d6f3b1f2a10"
_RIDE = "019a3c5e-7d3a-7f11-8b1c-44b1a5a1c0de"
_COMMON: dict[str, Any] = {
    "id": _ID,
    "kind": "booking",
    "created_at": "2026-11-20T09:30:00.000000Z",
    "updated_at": "2026-11-20T09:30:01.200000Z",
    "deadline_at": "2026-11-20T09:40:00.000000Z",
    "cancel_requested_at": None,
    "finished_at": "2026-11-20T09:30:01.200000Z",
    "links": {"self": f"/api/v1/operations/{_ID}", "resource": f"/api/v1/bookings/{_RIDE}"},
}

SUCCEEDED = OpenApiExample(
    "A ride that is confirmed",
    value={
        **_COMMON,
        "status": "succeeded",
        "steps": [{"name": "planned", "at": "2026-11-20T09:30:00.400000Z"}],
        "result": {"id": _RIDE, "state": "confirmed"},
    },
    response_only=True,
    status_codes=["200"],
)
FAILED = OpenApiExample(
    "A card that was declined",
    value={
        **_COMMON,
        "status": "failed",
        "steps": [{"name": "planned", "at": "2026-11-20T09:30:00.400000Z"}],
        "error": {
            "type": f"{TYPE_PREFIX}payment-declined",
            "title": "The payment was declined",
            "status": 422,
            "detail": "The card was declined. Nothing was charged; book again with another one.",
        },
    },
    response_only=True,
    status_codes=["200"],
)
