"""Pages of the Admin that belong to no model. Each view checks its own permission; being staff is checked here."""

from django.contrib import admin
from django.urls import URLPattern, path

from console.front.views import figures
from console.story.views import error_text, story


def pages() -> list[URLPattern]:
    """What unfold's site adds to its own URLs, in the namespace `admin`."""
    wrap = admin.site.admin_view
    return [
        path("front/", wrap(figures), name="front"),
        path("story/", wrap(story), name="story"),
        path("story/error/", wrap(error_text), name="story_error"),
    ]
