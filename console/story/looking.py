"""Looking at what a failed attempt said: a tenant's data, so it is on record who looked."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.services import Actor, record
from console.story.asking import read_company
from messaging.journal.models import HandlerError
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import snapshot
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import NotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorText:
    """What one failed attempt said; may hold personal data of the company's people."""

    handler: str
    attempt: int
    error_class: str
    text: str
    traceback: str
    correlation_id: UUID


def look_at_error(*, error_id: UUID, company: str, actor: Actor) -> ErrorText:
    """The error's text and traceback; `company` is the short name, empty for the platform's own. The look is audited.

    Raises:
        InvalidInput: `company` can be none.
        NotFound: there is no such error there.
    """
    company = read_company(company)
    with enter_public(), transaction.atomic():
        tenant = Tenant.objects.select_related("tier").filter(slug=company).first() if company else None
        if company and (tenant is None or not snapshot(tenant).is_working):
            raise NotFound("There is no such company in service.")
        with enter_tenant(snapshot(tenant)) if tenant else enter_public():
            error = HandlerError.objects.filter(id=error_id).first()
        if error is None:
            raise NotFound("This attempt's error is not there any more.")
        record(
            actor=actor,
            action="story.error_viewed",
            subject_type="correlation",
            subject_id=str(error.correlation_id),
            tenant_id=tenant.id if tenant else None,
            details={"handler": error.handler, "error": str(error.id)},
        )
    return ErrorText(
        handler=error.handler,
        attempt=error.attempt,
        error_class=error.error_class,
        text=error.text,
        traceback=error.traceback,
        correlation_id=error.correlation_id,
    )
