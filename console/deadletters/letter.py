"""The page of one dead letter. What its message and its errors say is shown on demand only, and that look is audited."""

import json
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from audit.services import Actor
from console.deadletters.opening import OpenedLetter, opened
from console.permissions import DISCARD, EDIT, REDRIVE, VIEW_AUDIT, VIEW_LETTERS, VIEW_PAYLOAD, VIEW_STORY, needs
from messaging.deadletters import services
from messaging.deadletters.errors import LetterNotFound
from messaging.deadletters.services import ErrorText
from wildrydes.kernel.errors import DomainError, NotFound


@require_GET
@needs(VIEW_LETTERS)
def letter(request: HttpRequest, letter_id: UUID) -> HttpResponse:
    """Cause, attempts, times, where the ride stands, and what may be done."""
    return _page(request, _found(letter_id))


@require_POST
@never_cache
@needs(VIEW_LETTERS, VIEW_PAYLOAD)
def payload(request: HttpRequest, letter_id: UUID) -> HttpResponse:
    """The same page with what the message says."""
    try:
        said = services.look_at_payload(letter_id, actor=Actor.of_user(request.user))
    except DomainError as error:
        return refused(request, letter_id, error)
    return _page(request, _found(letter_id), payload=json.dumps(said, indent=2, ensure_ascii=False))


@require_POST
@never_cache
@needs(VIEW_LETTERS, VIEW_PAYLOAD)
def error(request: HttpRequest, letter_id: UUID, error_id: UUID) -> HttpResponse:
    """The same page with what one failed attempt said."""
    try:
        said = services.look_at_error(letter_id, error_id, actor=Actor.of_user(request.user))
    except DomainError as refusal:
        return refused(request, letter_id, refusal)
    return _page(request, _found(letter_id), error=said, error_id=error_id)


def _found(letter_id: UUID) -> OpenedLetter:
    try:
        return opened(letter_id)
    except LetterNotFound as missing:
        raise Http404(missing.detail) from missing


def _page(
    request: HttpRequest,
    shown: OpenedLetter,
    *,
    payload: str | None = None,
    error: ErrorText | None = None,
    error_id: UUID | None = None,
) -> HttpResponse:
    may = request.user.has_perm
    can_be_sent = shown.is_open and not shown.detail.obstacle and shown.detail.run_id is None
    found = shown.detail.letter
    context = {
        **admin.site.each_context(request),
        "title": shown.title,
        "shown": shown,
        "detail": shown.detail,
        "letter": found,
        "payload": payload,
        "error": error,
        "error_id": error_id,
        "may_look": may(VIEW_PAYLOAD),
        "may_redrive": may(REDRIVE) and can_be_sent,
        "may_edit": may(EDIT) and may(VIEW_PAYLOAD) and shown.is_open,
        "may_discard": may(DISCARD) and shown.is_open,
        "story_url": f"{reverse('admin:story')}?id={found.correlation_id}" if may(VIEW_STORY) else "",
        "audit_url": f"{reverse('admin:audit_entry_changelist')}?subject={found.id}" if may(VIEW_AUDIT) else "",
    }
    return TemplateResponse(request, "console/deadletters/letter.html", context)


def refused(request: HttpRequest, letter_id: UUID, error: DomainError) -> HttpResponse:
    """Tell why it was not done, on the letter's page; a letter that is not there is not found."""
    if isinstance(error, NotFound):
        raise Http404(error.detail) from error
    messages.error(request, error.detail)
    return HttpResponseRedirect(page_of_letter(letter_id))


def page_of_letter(letter_id: UUID) -> str:
    """Its address."""
    return reverse("admin:messaging_deadletter_change", args=(letter_id,))
