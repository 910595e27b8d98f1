"""Dead letters by cause, and one by one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from console.deadletters.filters import asked_for
from console.paging import page_of, query_with
from console.permissions import DISCARD, PLAN_RUN, VIEW_LETTERS, needs
from messaging.deadletters import selectors
from messaging.deadletters.selectors import Cause
from messaging.models import DeadLetter, DeadReason
from tenants.registry.models import Tenant

PLATFORM = "Platform"


@dataclass(frozen=True, kw_only=True)
class ShownCause:
    """A cause, how it is called, and the query string that leads to its letters."""

    cause: Cause
    title: str
    reason: str
    query: str


@require_GET
@needs(VIEW_LETTERS)
def causes(request: HttpRequest) -> HttpResponse:
    """Letters grouped by what they died of, those that left somebody without an answer first."""
    asked = asked_for(request)
    found = selectors.causes(asked.filters) if asked.filters else []
    context = {
        **admin.site.each_context(request),
        "title": "Dead letters",
        "asked": asked,
        "causes": [_shown(request, cause) for cause in found],
        "may_plan": request.user.has_perm(PLAN_RUN),
        "letters_query": query_with(request),
    }
    return TemplateResponse(request, "console/deadletters/causes.html", context)


@require_GET
@needs(VIEW_LETTERS)
def letters(request: HttpRequest) -> HttpResponse:
    """Letters one by one."""
    asked = asked_for(request)
    rows = selectors.letters(asked.filters) if asked.filters else DeadLetter.objects.none()
    page = page_of(request, rows)
    context = {
        **admin.site.each_context(request),
        "title": "Dead letters, one by one",
        "asked": asked,
        "page": page,
        "names": tenant_names(letter.tenant_id for letter in page.items),
        "may_plan": request.user.has_perm(PLAN_RUN),
        "may_discard": request.user.has_perm(DISCARD),
        "causes_query": query_with(request, page=None, fingerprint=None),
    }
    return TemplateResponse(request, "console/deadletters/letters.html", context)


def _shown(request: HttpRequest, cause: Cause) -> ShownCause:
    return ShownCause(
        cause=cause,
        title=short_name(cause.error_class) or DeadReason(cause.reason).label,
        reason=str(DeadReason(cause.reason).label),
        query=query_with(request, fingerprint=cause.fingerprint, page=None),
    )


def short_name(error_class: str) -> str:
    """An error's class without its module."""
    return error_class.rpartition(".")[2]


def tenant_names(ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """Names by id, in one query; those that are gone have none."""
    wanted = {tenant_id for tenant_id in ids if tenant_id is not None}
    names: dict[UUID | None, Any] = dict(Tenant.objects.filter(id__in=wanted).values_list("id", "name"))
    return {**dict.fromkeys(wanted, "A company that is gone"), **names, None: PLATFORM}
