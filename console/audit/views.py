"""The page of the audit trail."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from audit.models import Entry
from console.audit.filters import asked_for
from console.deadletters.lists import tenant_names
from console.paging import page_of
from console.permissions import VIEW_AUDIT, VIEW_LETTERS, VIEW_RUNS, needs


@require_GET
@needs(VIEW_AUDIT)
def trail(request: HttpRequest) -> HttpResponse:
    """Entries, the latest first."""
    asked = asked_for(request)
    rows = Entry.objects.none() if asked.error else asked.apply().order_by("-happened_at", "-id")
    page = page_of(request, rows)
    context = {
        **admin.site.each_context(request),
        "title": "Audit trail",
        "asked": asked,
        "page": page,
        "names": tenant_names(entry.tenant_id for entry in page.items),
        "may_see": {"deadletter": request.user.has_perm(VIEW_LETTERS), "run": request.user.has_perm(VIEW_RUNS)},
    }
    return TemplateResponse(request, "console/audit/trail.html", context)
