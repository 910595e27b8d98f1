"""The broker's queues: who waits, who works, why a message waited; and the switch that stops one company's work."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.services import Actor
from console.permissions import CHANGE_TENANT, VIEW_DELIVERIES, needs
from messaging.fairness import looking, needing, pausing
from wildrydes.kernel.errors import DomainError, NotFound


class PauseForm(forms.Form):
    """Why a company's work stands still."""

    reason = forms.CharField(
        min_length=3,
        max_length=pausing.LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="It is shown to whoever asks why nothing happens, and kept in the audit trail.",
    )


@require_GET
@never_cache
@needs(VIEW_DELIVERIES)
def queues(request: HttpRequest) -> HttpResponse:
    """All queues; of the one that the address names, its groups; of the id that was typed, why it waits."""
    queue, typed = request.GET.get("queue", "")[:120], request.GET.get("id", "")[:100]
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Queues",
        "chosen": queue,
        "typed": typed,
        "may_pause": request.user.has_perm(CHANGE_TENANT),
        "paused": pausing.paused_tenants(),
        "most": looking.MOST_GROUPS,
    }
    try:
        context["queues"] = looking.all_queues()
        context["needs"] = needing.needs()
        context["groups"] = looking.groups_of(queue) if queue else None
        context["explained"] = looking.explain(typed) if typed.strip() else None
    except DomainError as error:
        context["problem"] = error.detail
    return TemplateResponse(request, "console/queues/page.html", context)


@require_http_methods(["GET", "POST"])
@needs(CHANGE_TENANT)
def pause(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask why, then let the company's messages wait."""
    form = PauseForm(request.POST or None)
    problem = ""
    try:
        name = pausing.company(slug).name
    except NotFound as error:
        raise Http404(error.detail) from error
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            pausing.pause_processing(slug=slug, reason=reason, actor=Actor.of_user(request.user))
        except DomainError as error:
            problem = error.detail
        else:
            messages.success(request, f"{name}: its messages wait from now on.")
            return HttpResponseRedirect(reverse("admin:queues"))
    context = {
        **admin.site.each_context(request),
        "title": f"Pause the work of {name}",
        "form": form,
        "problem": problem,
        "back": reverse("admin:queues"),
    }
    return TemplateResponse(request, "console/queues/pause.html", context)


@require_POST
@needs(CHANGE_TENANT)
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Let the company's messages be taken again."""
    try:
        tenant = pausing.resume_processing(slug=slug, actor=Actor.of_user(request.user))
    except NotFound as error:
        raise Http404(error.detail) from error
    messages.success(request, f"{tenant.name}: its work goes on.")
    return HttpResponseRedirect(reverse("admin:queues"))
