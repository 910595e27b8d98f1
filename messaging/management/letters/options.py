"""The options of `manage.py deadletters`, and what they mean."""

import argparse
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from messaging.deadletters.filters import LetterFilter
from messaging.models import DeadLetterState

_FILTERS = ("tenant", "tier", "topic", "handler", "queue_class", "reason", "state", "fingerprint", "older_than")


def add_filters(parser: argparse.ArgumentParser, *, with_state: bool = False) -> None:
    """The options that choose letters by what they have in common."""
    parser.add_argument("--tenant", help="A company's short name or id, or `platform`.")
    parser.add_argument("--tier", help="A tier's code.")
    parser.add_argument("--topic", help="The message's topic, such as payments.capture.")
    parser.add_argument("--handler", help="The handler's name, as `manage.py topology` shows it.")
    parser.add_argument("--queue-class", help="bookings, payments, …")
    parser.add_argument("--reason-died", dest="died_of", help="attempts, crashes, expired, rejected, …")
    parser.add_argument("--cause", dest="fingerprint", help="A cause's fingerprint, as `list --causes` shows it.")
    parser.add_argument("--age", dest="older_than", help="Died longer ago than this: 90s, 30m, 2h, 3d, 1w.")
    if with_state:
        parser.add_argument("--state", default="open", help=f"{', '.join(DeadLetterState.values)}, or `any`.")


def add_ids(parser: argparse.ArgumentParser, *, many: bool = True) -> None:
    """The letters named one by one, or the one letter."""
    if many:
        parser.add_argument("ids", nargs="*", type=letter_id, metavar="ID", help="Letters by their ids.")
    else:
        parser.add_argument("id", type=letter_id, metavar="ID", help="The letter's id.")


def letter_id(text: str) -> UUID:
    """An id as argparse reads it."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:50]!r} is not an id") from None


def selection_from(options: Mapping[str, Any], *, explicit: bool) -> LetterFilter:
    """The filter that the options ask for. `explicit`: choosing every letter has to be said, by --all.

    Raises:
        CommandError: nothing is chosen, and it has to be.
        InvalidInput: an option's value cannot be meant.
    """
    given: dict[str, Any] = {name: options.get(name) for name in _FILTERS}
    # `--reason` of a discard is why people discard; the filter's reason is what the letter died of.
    given["reason"] = options.get("died_of")
    given["state"] = "" if given["state"] in (None, "any") else given["state"]
    given["ids"] = tuple(options.get("ids") or ())
    chosen = LetterFilter.parse(given)
    if explicit and not chosen.as_text() and not options.get("all"):
        raise CommandError("Name letters by id, choose them by an option such as --cause, or say --all.")
    return chosen
