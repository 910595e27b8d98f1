"""Pages of the Admin that belong to no model. Each view checks its own permission; being staff is checked here."""

from django.contrib import admin
from django.urls import URLPattern, path

from console.front.views import figures


def pages() -> list[URLPattern]:
    """What unfold's site adds to its own URLs, in the namespace `admin`."""
    wrap = admin.site.admin_view
    return [
        path("front/", wrap(figures), name="front"),
    ]
