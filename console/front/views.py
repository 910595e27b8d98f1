"""The console's front page: what a member of staff sees first, as far as they may see it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from console.front.overview import overview_for


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows to its context."""
    return context | {"overview": overview_for(request.user)}


@require_GET
def figures(request: HttpRequest) -> HttpResponse:
    """The same figures by themselves, with which the page's script refreshes it."""
    return TemplateResponse(request, "console/front/figures.html", {"overview": overview_for(request.user)})
