"""Calls for offers: whose, until when, who was asked. Each function but the last runs in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from fleet.models import Call, Inquiry, InquiryState
from tenants.registry.context import enter_public

# Unicorns may look up for so long what became of a request.
_KEPT_FOR = timedelta(hours=24)
_AT_ONCE = 500


def open_call(*, request_id: UUID, tenant_id: UUID, closes_at: datetime) -> None:
    """Make known that a request is open until `closes_at`: what watches over deadlines looks here."""
    Call.objects.create(id=request_id, tenant_id=tenant_id, closes_at=closes_at)


def ask(*, request_id: UUID, unicorn_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Ask these unicorns; answers the correlation id that each knows the request by."""
    rows = [Inquiry(call_id=request_id, unicorn_id=unicorn_id) for unicorn_id in unicorn_ids]
    Inquiry.objects.bulk_create(rows)
    return {row.unicorn_id: row.id for row in rows}


def answered(*, request_id: UUID, unicorn_id: UUID) -> None:
    """The unicorn has answered: it is not asked any more."""
    _open(request_id).filter(unicorn_id=unicorn_id).update(state=InquiryState.ANSWERED, changed_at=Now())


def close_call(*, request_id: UUID) -> None:
    """No more answers are taken; offers stand."""
    Call.objects.filter(id=request_id, closed_at__isnull=True).update(closed_at=Now())
    _open(request_id).update(state=InquiryState.CLOSED, changed_at=Now())


def withdraw_call(*, request_id: UUID) -> list[UUID]:
    """It is off; answers the unicorns that are to hear of it: all that were asked."""
    Call.objects.filter(id=request_id, closed_at__isnull=True).update(closed_at=Now())
    asked = Inquiry.objects.filter(call_id=request_id)
    asked.update(state=InquiryState.WITHDRAWN, changed_at=Now())
    return list(asked.values_list("unicorn_id", flat=True))


def award_call(*, request_id: UUID, unicorn_id: UUID) -> None:
    """This unicorn's offer was taken."""
    asked = Inquiry.objects.filter(call_id=request_id, unicorn_id=unicorn_id)
    asked.update(state=InquiryState.WON, changed_at=Now())


def revoke_award(*, request_id: UUID) -> None:
    """The ride came to nothing: whoever had won has an offer among others again."""
    won = Inquiry.objects.filter(call_id=request_id, state=InquiryState.WON)
    won.update(state=InquiryState.ANSWERED, changed_at=Now())


def forget_calls() -> int:
    """Delete calls that were closed a day ago, with who was asked; answers how many rows that were."""
    with enter_public():
        old = Call.objects.filter(closed_at__lt=Now() - _KEPT_FOR).order_by("closed_at")[:_AT_ONCE]
        return Call.objects.filter(id__in=list(old.values_list("id", flat=True))).delete()[0]


def _open(request_id: UUID) -> QuerySet[Inquiry]:
    return Inquiry.objects.filter(call_id=request_id, state=InquiryState.OPEN)
