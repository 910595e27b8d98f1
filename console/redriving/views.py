"""Redrive runs: the dry run, the canary, the rest, watched and steered. One call into the services each."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit.services import Actor
from console.paging import page_of
from console.permissions import PLAN_RUN, REDRIVE, STEER_RUN, VIEW_LETTERS, VIEW_RUNS, needs
from console.redriving.planning import asked_plan
from console.redriving.watching import shown_items, shown_run
from messaging.deadletters.errors import RunNotFound
from messaging.deadletters.redriving import selectors, services
from wildrydes.kernel.errors import DomainError, NotFound

# What the address may name, and the service behind it.
_STEERING: Mapping[str, Callable[..., Any]] = {
    "send_canary": services.send_canary,
    "go_on": services.go_on,
    "skip_canary": partial(services.go_on, without_canary=True),
    "pause": services.pause,
    "resume": services.resume,
    "cancel": services.cancel,
}


@require_GET
@needs(VIEW_RUNS)
def runs(request: HttpRequest) -> HttpResponse:
    """All runs, the latest first."""
    page = page_of(request, selectors.runs())
    context = {
        **admin.site.each_context(request),
        "title": "Redrive runs",
        "page": page,
    }
    return TemplateResponse(request, "console/redriving/runs.html", context)


@require_http_methods(["GET", "POST"])
@needs(VIEW_LETTERS, VIEW_RUNS, REDRIVE, PLAN_RUN)
def plan(request: HttpRequest) -> HttpResponse:
    """Ask how fast, then make the dry run. Ticked letters come by POST, a cause by its filters."""
    asked = asked_plan(request)
    if asked.is_confirmed and not asked.problem:
        try:
            made = services.plan_run(
                asked.filters, rate=asked.rate, max_failures=asked.max_failures, actor=Actor.of_user(request.user)
            )
        except DomainError as error:
            asked = asked.refused(error.detail)
        else:
            return HttpResponseRedirect(_address(made.id))
    context = {
        **admin.site.each_context(request),
        "title": "Redrive",
        "asked": asked,
        "back": reverse("admin:messaging_deadletter_changelist"),
    }
    return TemplateResponse(request, "console/redriving/plan.html", context)


@require_GET
@needs(VIEW_RUNS)
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The run: its dry run, how far it is, what became of each letter."""
    context = {**admin.site.each_context(request), "title": "Redrive run", **_shown(request, run_id)}
    return TemplateResponse(request, "console/redriving/run.html", context)


@require_GET
@never_cache
@needs(VIEW_RUNS)
def figures(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The part of the page that changes, for its script."""
    return TemplateResponse(request, "console/redriving/figures.html", _shown(request, run_id))


@require_POST
@needs(VIEW_RUNS, REDRIVE, STEER_RUN)
def steer(request: HttpRequest, run_id: UUID, act: str) -> HttpResponse:
    """Send the canary, go on, pause, resume, cancel."""
    service = _STEERING.get(act)
    if service is None:
        raise Http404("A run cannot do that.")
    try:
        service(run_id, actor=Actor.of_user(request.user))
    except NotFound as error:
        raise Http404(error.detail) from error
    except DomainError as error:
        messages.error(request, error.detail)
    return HttpResponseRedirect(_address(run_id))


def _shown(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    try:
        shown = shown_run(run_id)
    except RunNotFound as error:
        raise Http404(error.detail) from error
    return {
        "shown": shown,
        "items": shown_items(request, run_id),
        "may_steer": request.user.has_perm(STEER_RUN) and request.user.has_perm(REDRIVE),
        "may_see_letters": request.user.has_perm(VIEW_LETTERS),
    }


def _address(run_id: UUID) -> str:
    return reverse("admin:messaging_redriverun_change", args=(run_id,))
