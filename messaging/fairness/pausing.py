"""Stopping the work for one company while everybody else's goes on: its messages wait, what is being worked on is finished."""

from django.db import transaction
from django.db.models.functions import Now

from audit.services import Actor, record
from messaging.settings import is_fair
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import Conflict, InvalidInput, NotFound

LONGEST_REASON = 200


def pause_processing(*, slug: str, reason: str, actor: Actor) -> Tenant:
    """Let the company's messages wait; the sweeper tells the broker within two seconds. One that is paused gets the new reason.

    Bookings are accepted as before, up to its tier's backlog, and wait; deadlines that pass meanwhile are noticed afterwards.

    Raises:
        InvalidInput: no reason is given, or it is too long.
        NotFound: there is no such company.
        Conflict: the transport cannot do it.
    """
    reason = " ".join(reason.split())
    if not (3 <= len(reason) <= LONGEST_REASON and reason.isprintable()):
        raise InvalidInput.at(
            "/reason", f"Say why, in 3 to {LONGEST_REASON} characters of plain text; others will want to know."
        )
    if not is_fair():
        raise Conflict("Celery's own transport cannot pause one company: it needs BROKER_TRANSPORT=fairqueue.")
    with transaction.atomic():
        tenant = _locked(slug)
        Tenant.objects.filter(pk=tenant.pk).update(processing_paused_at=Now(), processing_paused_reason=reason)
        _record("tenant.pause_processing", tenant, actor, reason)
        tenant.refresh_from_db()
    return tenant


def resume_processing(*, slug: str, actor: Actor) -> Tenant:
    """Let its messages be taken again; harmless for one that is not paused.

    Raises:
        NotFound: there is no such company.
    """
    with transaction.atomic():
        tenant = _locked(slug)
        if tenant.processing_paused_at is not None:
            Tenant.objects.filter(pk=tenant.pk).update(processing_paused_at=None, processing_paused_reason="")
            _record("tenant.resume_processing", tenant, actor, "")
            tenant.refresh_from_db()
    return tenant


def company(slug: str) -> Tenant:
    """The company with this short name.

    Raises:
        NotFound: there is none.
    """
    tenant: Tenant | None = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise NotFound("There is no company with this short name.")
    return tenant


def paused_tenants() -> list[Tenant]:
    """Those whose work stands still, the longest first."""
    return list(Tenant.objects.exclude(processing_paused_at=None).order_by("processing_paused_at"))


def _locked(slug: str) -> Tenant:
    tenant: Tenant | None = Tenant.objects.select_for_update().filter(slug=slug).first()
    if tenant is None:
        raise NotFound("There is no company with this short name.")
    return tenant


def _record(action: str, tenant: Tenant, actor: Actor, reason: str) -> None:
    record(
        actor=actor,
        action=action,
        subject_type="tenant",
        subject_id=str(tenant.id),
        tenant_id=tenant.id,
        reason=reason,
        details={"slug": tenant.slug},
    )
