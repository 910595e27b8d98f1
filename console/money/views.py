"""Money: differences with the provider's record, runs, statements. One call into the services each."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from audit.services import Actor
from console.money.entering import entered
from console.money.shown import company_lines, company_page, item_page
from console.permissions import REPAIR_MONEY, VIEW_MONEY, needs
from payments.reconciliation import repairs, selectors
from payments.reconciliation.runs import open_run_on_demand
from payments.reconciliation.statements import as_csv
from tenants.registry.directory import TenantRef
from wildrydes.kernel.errors import DomainError, NotFound


@contextmanager
def _at(slug: str) -> Iterator[TenantRef]:
    """Inside the company's schema; whatever is not found there is a 404."""
    try:
        with entered(slug) as tenant:
            yield tenant
    except NotFound as error:
        raise Http404(error.detail) from error


@require_GET
@needs(VIEW_MONEY)
def overview(request: HttpRequest) -> HttpResponse:
    """Every company: what waits for a person, and how its last day closed."""
    context = {**admin.site.each_context(request), "title": "Money", "lines": company_lines()}
    return TemplateResponse(request, "console/money/overview.html", context)


@require_GET
@needs(VIEW_MONEY)
def company(request: HttpRequest, company: str) -> HttpResponse:
    """One company: differences, runs, statements."""
    everything = "all" in request.GET
    with _at(company) as tenant:
        page = company_page(everything=everything)
    context = {
        **admin.site.each_context(request),
        "title": f"Money of {tenant.name}",
        "company": company,
        "everything": everything,
        "may_repair": request.user.has_perm(REPAIR_MONEY),
        **page,
    }
    return TemplateResponse(request, "console/money/company.html", context)


@require_GET
@needs(VIEW_MONEY)
def item(request: HttpRequest, company: str, item_id: UUID) -> HttpResponse:
    """One difference, both sides next to each other."""
    with _at(company) as tenant:
        shown = item_page(selectors.item(item_id))
    context = {
        **admin.site.each_context(request),
        "title": shown["item"].get_kind_display(),
        "company": company,
        "company_name": tenant.name,
        "may_repair": request.user.has_perm(REPAIR_MONEY),
        **shown,
    }
    return TemplateResponse(request, "console/money/item.html", context)


@require_POST
@needs(VIEW_MONEY, REPAIR_MONEY)
def repair(request: HttpRequest, company: str, item_id: UUID) -> HttpResponse:
    """Do what is proposed."""
    with _at(company):
        try:
            repairs.repair(item_id, actor=Actor.of_user(request.user))
        except NotFound:
            raise
        except DomainError as error:
            messages.error(request, error.detail)
    return HttpResponseRedirect(reverse("admin:money_item", args=(company, item_id)))


@require_POST
@needs(VIEW_MONEY, REPAIR_MONEY)
def close(request: HttpRequest, company: str, item_id: UUID) -> HttpResponse:
    """Leave it as it is, with a reason."""
    with _at(company):
        try:
            repairs.close(item_id, reason=request.POST.get("reason", ""), actor=Actor.of_user(request.user))
        except NotFound:
            raise
        except DomainError as error:
            messages.error(request, error.detail)
    return HttpResponseRedirect(reverse("admin:money_item", args=(company, item_id)))


@require_POST
@needs(VIEW_MONEY, REPAIR_MONEY)
def compare(request: HttpRequest, company: str) -> HttpResponse:
    """Compare now what moved since the last statement."""
    with _at(company):
        try:
            open_run_on_demand(actor=Actor.of_user(request.user))
        except DomainError as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, "The comparison has begun; its line below says how far it is.")
    return HttpResponseRedirect(reverse("admin:money_company", args=(company,)))


@require_GET
@never_cache
@needs(VIEW_MONEY)
def statements(request: HttpRequest, company: str) -> HttpResponse:
    """All statements of the company as CSV."""
    with _at(company) as tenant:
        told = as_csv(selectors.statements().iterator(), company=tenant.name)
    name = f"statements-{tenant.slug}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(told, content_type="text/csv; charset=utf-8", headers=headers)
