"""What unicorns are told of a request, and nothing else: no tenant, no user, no texts, no limits, not how it is ranked."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from fleet.models import Inquiry, InquiryState
from rfq.domain import ADDRESS_GRACE
from rfq.models import Rfq
from rfq.presentation import time_text
from rfq.return_address import write_address
from rfq.selectors import inquiries_in
from tenants.registry.context import current_tenant


def requests_for(rfqs: dict[UUID, Rfq], inquiries: Iterable[Inquiry]) -> list[dict[str, Any]]:
    """What each of these unicorns is asked, with its own return address. Inside the tenant's schema that the requests are of."""
    tenant_id = current_tenant().id
    return [_request(rfqs[inquiry.call_id], inquiry, tenant_id) for inquiry in inquiries if inquiry.call_id in rfqs]


def open_requests(rfq: Rfq, *, operator_id: UUID) -> list[dict[str, Any]]:
    """What one operator's unicorns are still asked by one request."""
    return requests_for({rfq.id: rfq}, inquiries_in(rfq.id, operator_id=operator_id, state=InquiryState.OPEN))


def _request(rfq: Rfq, inquiry: Inquiry, tenant_id: UUID) -> dict[str, Any]:
    return {
        "correlation_id": str(inquiry.id),
        "reply_to": write_address(
            tenant_id=tenant_id,
            rfq_id=rfq.id,
            unicorn_id=inquiry.unicorn_id,
            expires_at=rfq.deadline_at + ADDRESS_GRACE,
        ),
        "unicorn": str(inquiry.unicorn.operator_ref),
        "pickup": {"latitude": rfq.pickup_latitude, "longitude": rfq.pickup_longitude},
        "dropoff": {"latitude": rfq.dropoff_latitude, "longitude": rfq.dropoff_longitude},
        "distance_m": rfq.distance_m,
        "passengers": rfq.passengers,
        "pickup_at": time_text(rfq.pickup_at),
        "wishes": {"extras": list(rfq.extras), "slowest": rfq.slowest or None},
        "currency": rfq.currency,
        "answer_by": time_text(rfq.deadline_at),
    }
