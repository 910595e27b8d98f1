"""The page of a story. Looking needs `console.view_story`; what errors said needs `messaging.view_deadletter_payload` too."""

from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_POST

from audit.services import Actor
from console.story.finding import PLATFORM
from console.story.lines import lines_of
from console.story.looking import look_at_error
from console.story.picture import picture_of
from console.story.selectors import companies, story_by_id
from console.story.telling import Story
from wildrydes.kernel.errors import DomainError

LINES_A_PAGE = 300
MAY_LOOK = "console.view_story"
MAY_READ_ERRORS = "messaging.view_deadletter_payload"


@require_GET
def story(request: HttpRequest) -> HttpResponse:
    """Look an id up and tell its story."""
    _allow(request, MAY_LOOK)
    typed, company = request.GET.get("id", ""), request.GET.get("company", "")[:60]
    context = {
        **admin.site.each_context(request),
        "title": "What happened?",
        "typed": typed[:300],
        "company": company,
        "companies": companies(),
        "platform": PLATFORM,
    }
    if typed.strip():
        try:
            answer = story_by_id(typed, company=company)
        except DomainError as error:
            context["problem"] = error.detail
        else:
            context["choices"] = answer.choices
            if answer.story is not None:
                context |= _told(request, answer.story)
    return TemplateResponse(request, "console/story/page.html", context)


def _told(request: HttpRequest, told: Story) -> dict[str, object]:
    lines = lines_of(told.moments, now=told.told_at, everything="all" in request.GET)
    page = Paginator(lines, LINES_A_PAGE).get_page(request.GET.get("page"))
    shown = [line.moment for line in page.object_list]
    return {
        "story": told,
        "page": page,
        "picture": picture_of(shown, now=told.told_at),
        "shortened": any(line.hidden for line in lines),
        "may_read_errors": request.user.has_perm(MAY_READ_ERRORS),
    }


@require_POST
def error_text(request: HttpRequest) -> HttpResponse:
    """What one failed attempt said; the look is in the audit trail."""
    _allow(request, MAY_LOOK)
    _allow(request, MAY_READ_ERRORS)
    try:
        error = look_at_error(
            error_id=UUID(request.POST.get("error", "")),
            company=request.POST.get("company", "")[:60],
            actor=Actor.of_user(request.user),
        )
    except (ValueError, DomainError) as problem:
        raise Http404("There is no such error.") from problem
    context = {
        **admin.site.each_context(request),
        "title": f"{error.handler}, attempt {error.attempt}",
        "error": error,
        "company": request.POST.get("company", "")[:60],
    }
    return TemplateResponse(request, "console/story/error.html", context, headers={"Cache-Control": "no-store"})


def _allow(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
