"""Several letters at once: those that are ticked."""

from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from audit.services import Actor
from console.permissions import DISCARD, VIEW_LETTERS, needs
from messaging.deadletters import services
from messaging.deadletters.filters import LetterFilter
from wildrydes.kernel.errors import DomainError, InvalidInput


def ticked(request: HttpRequest) -> tuple[UUID, ...]:
    """The letters that the form names.

    Raises:
        InvalidInput: none, too many, or what is no id.
    """
    chosen = LetterFilter.parse({"ids": request.POST.getlist("ids")}).ids
    if not chosen:
        raise InvalidInput("Tick the letters first.")
    return chosen


@require_POST
@needs(VIEW_LETTERS, DISCARD)
def discard_selected(request: HttpRequest) -> HttpResponse:
    """Ask why, then close the letters without sending them."""
    problem = ""
    back = reverse("admin:deadletters_letters")
    try:
        ids = ticked(request)
        if "reason" in request.POST:
            closed = services.discard(ids, reason=request.POST["reason"], actor=Actor.of_user(request.user))
            messages.success(
                request, f"Discarded {closed} of {len(ids)}." if closed < len(ids) else f"Discarded {closed}."
            )
            return HttpResponseRedirect(back)
    except InvalidInput as error:
        if "reason" not in request.POST or not error.errors or error.errors[0]["pointer"] != "/reason":
            messages.error(request, error.detail)
            return HttpResponseRedirect(back)
        problem = error.detail
    except DomainError as error:
        messages.error(request, error.detail)
        return HttpResponseRedirect(back)
    context = {
        **admin.site.each_context(request),
        "title": f"Discard {len(ids)} letter{'' if len(ids) == 1 else 's'}?",
        "ids": ids,
        "reason": request.POST.get("reason", ""),
        "problem": problem,
        "back": back,
    }
    return TemplateResponse(request, "console/deadletters/discard.html", context)
