"""Dead letters in the Admin: the pages under their model's address are ours, and there are no others."""

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, path

from console.deadletters import acts, letter, lists, selected
from console.readonly import ReadOnlyAdmin
from messaging.models import DeadLetter


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """What could not be done."""

    def get_urls(self) -> list[URLPattern]:
        """By cause, one by one, one letter, and what is done with it. Each view checks its permissions."""
        wrap: Any = self.admin_site.admin_view
        return [
            path("", wrap(lists.causes), name="messaging_deadletter_changelist"),
            path("letters/", wrap(lists.letters), name="deadletters_letters"),
            path("discard/", wrap(selected.discard_selected), name="deadletters_discard_selected"),
            path("<uuid:letter_id>/change/", wrap(letter.letter), name="messaging_deadletter_change"),
            path("<uuid:letter_id>/payload/", wrap(letter.payload), name="deadletters_payload"),
            path("<uuid:letter_id>/errors/<uuid:error_id>/", wrap(letter.error), name="deadletters_error"),
            path("<uuid:letter_id>/redrive/", wrap(acts.redrive), name="deadletters_redrive"),
            path("<uuid:letter_id>/discard/", wrap(acts.discard), name="deadletters_discard"),
            path("<uuid:letter_id>/edit/", wrap(acts.edit), name="deadletters_edit"),
        ]
