"""Pages of the Admin that belong to no model. Each view checks its own permission; being staff is checked here."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from console.front.views import figures
from console.money import views as money
from console.queues.views import pause, queues, resume
from console.story.views import error_text, story


def nowhere(request: HttpRequest, anything: str) -> HttpResponse:
    """Not found, whatever it is."""
    raise Http404


def pages() -> list[URLPattern]:
    """What unfold's site adds to its own URLs, in the namespace `admin`."""
    wrap = admin.site.admin_view
    return [
        path("front/", wrap(figures), name="front"),
        path("queues/", wrap(queues), name="queues"),
        path("queues/<slug:slug>/pause/", wrap(pause), name="queues_pause"),
        path("queues/<slug:slug>/resume/", wrap(resume), name="queues_resume"),
        path("story/", wrap(story), name="story"),
        path("story/error/", wrap(error_text), name="story_error"),
        path("money/", wrap(money.overview), name="money"),
        path("money/<slug:company>/", wrap(money.company), name="money_company"),
        path("money/<slug:company>/compare/", wrap(money.compare), name="money_compare"),
        path("money/<slug:company>/statements.csv", wrap(money.statements), name="money_statements"),
        path("money/<slug:company>/<uuid:item_id>/", wrap(money.item), name="money_item"),
        path("money/<slug:company>/<uuid:item_id>/repair/", wrap(money.repair), name="money_repair"),
        path("money/<slug:company>/<uuid:item_id>/close/", wrap(money.close), name="money_close"),
        # Django's own would look for any row of any table by its number, to lead to a page that none of ours has.
        path("r/<path:anything>", wrap(nowhere), name="view_on_site"),
    ]
