"""What is in force, and choosing something else: seen before it is done."""

from dataclasses import replace

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from audit.services import Actor
from console.permissions import CHANGE_ROUTING, VIEW_ROUTING, needs
from console.routing.asking import LONGEST_REASON, Asked
from messaging.routing.models import OverflowEpisode, RoutingChoice
from messaging.routing.previewing import Preview, preview
from messaging.routing.services import choose
from messaging.routing.strategies import ALL, DEFAULT
from messaging.topology import QueueClass
from tenants.registry.models import Tier
from wildrydes.kernel.errors import DomainError

_EPISODES = 20


@require_GET
@needs(VIEW_ROUTING)
def overview(request: HttpRequest) -> HttpResponse:
    """All choices, and the latest overflow episodes."""
    context = {
        **admin.site.each_context(request),
        "title": "Routing",
        "usual": ALL[DEFAULT].summary,
        "choices": RoutingChoice.objects.select_related("tier", "tenant").order_by(
            "tier_id", "tenant__slug", "queue_class"
        )[:500],
        "episodes": OverflowEpisode.objects.select_related("tenant").order_by("-opened_at")[:_EPISODES],
        "may_change": request.user.has_perm(CHANGE_ROUTING),
    }
    return TemplateResponse(request, "console/routing/overview.html", context)


@require_http_methods(["GET", "POST"])
@needs(VIEW_ROUTING, CHANGE_ROUTING)
def change(request: HttpRequest) -> HttpResponse:
    """GET shows what a choice would change, POST puts it in force."""
    asked = Asked.of(request)
    shown: Preview | None = None
    try:
        if asked.is_placed and not asked.problem:
            shown = preview(asked.wish)
        if request.method == "POST" and shown is not None:
            if not asked.wrong_reason:
                choose(wish=asked.wish, actor=Actor.of_user(request.user), reason=asked.reason)
                messages.success(
                    request, "It is in force; workers follow within seconds. Old queues are emptied first."
                )
                return HttpResponseRedirect(reverse("admin:messaging_routingchoice_changelist"))
            asked = replace(asked, problem=asked.wrong_reason)
    except DomainError as error:
        asked = replace(asked, problem=error.detail)
    context = {
        **admin.site.each_context(request),
        "title": "Choose a routing strategy",
        "asked": asked,
        "shown": shown,
        "tiers": Tier.objects.order_by("code"),
        "queue_classes": list(QueueClass),
        "strategies": ALL.values(),
        "longest_reason": LONGEST_REASON,
    }
    return TemplateResponse(request, "console/routing/choose.html", context, status=400 if asked.problem else 200)
