"""What becomes of a fare that could not be taken: the outcomes that are committed together with dead letters."""

from uuid import UUID

from django.db import connection
from django.db.models import F, Sum
from django.db.models.functions import Now

from messaging.services import publish, send
from payments.domain import CREDIT_CAPTURE_AFTER, RESOLVE_AFTER, fits_on_credit
from payments.events import CaptureCredit, PaymentFailed, PaymentOnCredit, ResolveUnknown
from payments.models import Charge, ChargeState, Totals
from payments.services.captures import OPEN
from payments.services.totals import move_on_credit
from tenants.registry.context import current_tenant, entered_schema
from tenants.registry.models import PaymentFailureOutcome


def give_up_capture(*, charge_id: UUID, reason: str) -> None:
    """End trying to take a fare by the tier's outcome: store credit within its limit, or failure.

    A charge that may have been sent stays in doubt: it is looked up later, and what turns out to have been taken for a ride
    that failed goes back. A second time changes nothing.
    """
    charge = Charge.objects.select_for_update().get(id=charge_id)
    if charge.state not in OPEN:
        return
    if _may_be_owed(charge):
        _close(charge, ChargeState.ON_CREDIT, reason)
        move_on_credit(charge)
        send(CaptureCredit(charge_id=charge.id), delay=CREDIT_CAPTURE_AFTER)
        publish(
            PaymentOnCredit(booking_id=charge.booking_id, amount_minor=charge.amount_minor, currency=charge.currency)
        )
        return
    if charge.state != ChargeState.PENDING:
        _close(charge, ChargeState.IN_DOUBT, reason)
        send(ResolveUnknown(charge_id=charge.id), delay=RESOLVE_AFTER)
    else:
        _close(charge, ChargeState.FAILED, reason)
    publish(PaymentFailed(booking_id=charge.booking_id, reason=reason[:200]))


def note_unfinished(*, charge_id: UUID, reason: str) -> None:
    """The outcome of giving up in the background: what is owed or in doubt stays so, and people must look."""
    Charge.objects.filter(id=charge_id, state__in=(ChargeState.ON_CREDIT, ChargeState.IN_DOUBT)).update(
        failure_code=reason[:100]
    )


def _may_be_owed(charge: Charge) -> bool:
    tier = current_tenant().tier
    if tier.payment_failure_outcome != PaymentFailureOutcome.STORE_CREDIT:
        return False
    # Two rides that ask for the last of the credit at the same time must not both get it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"payments.credit:{entered_schema()}"])
    of_tenant = Totals.objects.filter(credit_minor__gt=0).aggregate(sum=Sum("credit_minor"))["sum"] or 0
    if not fits_on_credit(
        amount_minor=charge.amount_minor, outstanding_minor=of_tenant, limit_minor=tier.store_credit_limit_minor
    ):
        return False
    if tier.store_credit_user_limit_minor is None or charge.user_id is None:
        return True
    owed = Charge.objects.filter(user_id=charge.user_id, state=ChargeState.ON_CREDIT)
    of_user = owed.aggregate(sum=Sum(F("amount_minor") - F("forgiven_minor")))["sum"] or 0
    return fits_on_credit(
        amount_minor=charge.amount_minor, outstanding_minor=of_user, limit_minor=tier.store_credit_user_limit_minor
    )


def _close(charge: Charge, state: ChargeState, reason: str) -> None:
    Charge.objects.filter(id=charge.id).update(state=state, failure_code=reason[:100], settled_at=Now())
