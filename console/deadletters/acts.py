"""What is done with one dead letter: redriven, discarded, edited and sent. One call into the services each."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from audit.services import Actor
from console.deadletters.letter import page_of_letter, refused
from console.deadletters.opening import OpenedLetter, opened
from console.permissions import DISCARD, EDIT, REDRIVE, VIEW_LETTERS, VIEW_PAYLOAD, needs
from messaging.deadletters import services
from messaging.deadletters.errors import BadPayload, LetterNotFound
from wildrydes.kernel.errors import DomainError, InvalidInput


@require_http_methods(["GET", "POST"])
@needs(VIEW_LETTERS, REDRIVE)
def redrive(request: HttpRequest, letter_id: UUID) -> HttpResponse:
    """Show what would happen, then send it again."""
    if request.method == "POST":
        try:
            result = services.redrive([letter_id], actor=Actor.of_user(request.user))
        except DomainError as error:
            return refused(request, letter_id, error)
        if letter_id in result.obsolete:
            messages.info(request, f"Nothing was left to do: {result.obsolete[letter_id]} The letter is obsolete.")
        else:
            messages.success(request, "Sent again. The letter closes by itself when it is done.")
        return HttpResponseRedirect(page_of_letter(letter_id))
    return _ask(request, "console/deadletters/redrive.html", _opened(letter_id), title="Redrive this letter?")


@require_http_methods(["GET", "POST"])
@needs(VIEW_LETTERS, DISCARD)
def discard(request: HttpRequest, letter_id: UUID) -> HttpResponse:
    """Ask why, then close the letter without sending it."""
    problem, reason = "", request.POST.get("reason", "")
    if request.method == "POST":
        try:
            services.discard([letter_id], reason=reason, actor=Actor.of_user(request.user))
        except InvalidInput as error:
            problem = error.detail
        except DomainError as error:
            return refused(request, letter_id, error)
        else:
            messages.success(request, "Discarded.")
            return HttpResponseRedirect(page_of_letter(letter_id))
    shown = _opened(letter_id)
    return _ask(
        request, "console/deadletters/discard.html", shown, title="Discard this letter?", reason=reason, problem=problem
    )


@require_POST
@never_cache
@needs(VIEW_LETTERS, VIEW_PAYLOAD, EDIT)
def edit(request: HttpRequest, letter_id: UUID) -> HttpResponse:
    """Open the message in a form (that look is audited), or send what the form says."""
    actor = Actor.of_user(request.user)
    text, problem = request.POST.get("payload"), None
    try:
        if text is None:
            text = json.dumps(services.look_at_payload(letter_id, actor=actor), indent=2, ensure_ascii=False)
        else:
            services.edit_and_send(letter_id, payload=text, actor=actor)
            messages.success(request, "Sent as a new message. This letter is closed.")
            return HttpResponseRedirect(page_of_letter(letter_id))
    except BadPayload as error:
        problem = error
    except DomainError as error:
        return refused(request, letter_id, error)
    return _ask(
        request,
        "console/deadletters/edit.html",
        _opened(letter_id),
        title="Edit and send",
        text=text,
        problem=problem,
    )


def _opened(letter_id: UUID) -> OpenedLetter:
    try:
        return opened(letter_id)
    except LetterNotFound as missing:
        raise Http404(missing.detail) from missing


def _ask(request: HttpRequest, template: str, shown: OpenedLetter, **context: Any) -> HttpResponse:
    return TemplateResponse(
        request,
        template,
        {
            **admin.site.each_context(request),
            "shown": shown,
            "letter": shown.detail.letter,
            "back": page_of_letter(shown.detail.letter.id),
            **context,
        },
    )
