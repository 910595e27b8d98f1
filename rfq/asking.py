"""What the caller's unicorns are asked, whoever asks: read from `public`, and from the schemas of those who ask."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any
from uuid import UUID

from fleet.models import Inquiry, InquiryState
from fleet.principal import Speaker
from fleet.selectors import spoken_for
from rfq.documents import requests_for
from rfq.domain import State
from rfq.models import Rfq
from rfq.presentation import time_text
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import tenant_by_id
from wildrydes.kernel.errors import NotFound

MOST = 100


def open_requests_for(speaker: Speaker, *, after: UUID | None = None, limit: int = MOST) -> list[dict[str, Any]]:
    """What the caller's unicorns are asked and have not answered, oldest first; `after` is the last correlation id known."""
    with enter_public():
        rows = _of(speaker).filter(state=InquiryState.OPEN, call__closed_at__isnull=True)
        if after is not None:
            rows = rows.filter(id__gt=after)
        found = list(rows.order_by("id")[:limit])
    told = [
        document
        for tenant_id, inquiries in groupby(sorted(found, key=_tenant), key=_tenant)
        for document in _in_tenant(tenant_id, list(inquiries))
    ]
    return sorted(told, key=lambda document: str(document["correlation_id"]))


def inquiry_for(speaker: Speaker, correlation_id: UUID) -> dict[str, Any]:
    """How one request stands for the unicorn that was asked.

    Raises:
        NotFound: the caller's unicorns were not asked this.
    """
    inquiry = _of(speaker).filter(id=correlation_id).first()
    if inquiry is None:
        raise NotFound("Your unicorns were not asked this, or it is long gone.")
    return {
        "correlation_id": str(inquiry.id),
        "unicorn": str(inquiry.unicorn.operator_ref),
        "state": str(inquiry.state),
        "answer_by": time_text(inquiry.call.closes_at),
        "changed_at": time_text(inquiry.changed_at),
    }


def _of(speaker: Speaker) -> Any:
    asked = Inquiry.objects.select_related("unicorn", "call")
    return asked.filter(unicorn__in=spoken_for(speaker))


def _tenant(inquiry: Inquiry) -> UUID:
    tenant_id: UUID = inquiry.call.tenant_id
    return tenant_id


def _in_tenant(tenant_id: UUID, inquiries: Iterable[Inquiry]) -> list[dict[str, Any]]:
    tenant = tenant_by_id(tenant_id)
    if tenant is None or not tenant.is_working:
        return []
    wanted = {inquiry.call_id for inquiry in inquiries}
    with enter_tenant(tenant):
        rfqs = {rfq.id: rfq for rfq in Rfq.objects.filter(id__in=wanted, state=State.OPEN)}
        return requests_for(rfqs, inquiries)
