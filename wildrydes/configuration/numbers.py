"""Numbers among the settings: one that is out of bounds stops the start, and not the work of the night."""

import math

import environ
from django.core.exceptions import ImproperlyConfigured


def seconds(env: environ.Env, name: str, *, default: float, least: float, most: float) -> float:
    """The variable `name` in seconds; empty is `default`.

    Raises:
        ImproperlyConfigured: for what is no number between `least` and `most`.
    """
    text = env.str(name, default="").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not least <= value <= most:  # nothing is between two numbers when it is none
        raise ImproperlyConfigured(f"{name} is {text!r}; it is a number of seconds between {least:g} and {most:g}.")
    return value


def whole(env: environ.Env, name: str, *, default: int, least: int, most: int) -> int:
    """The variable `name` as a whole number; empty is `default`.

    Raises:
        ImproperlyConfigured: for what is no whole number between `least` and `most`.
    """
    text = env.str(name, default="").strip()
    digits = text.removeprefix("-")
    known = digits.isascii() and digits.isdigit() and len(digits) <= 12
    value = int(text) if known else default
    if (text and not known) or not least <= value <= most:
        raise ImproperlyConfigured(f"{name} is {text!r}; it is a whole number between {least} and {most}.")
    return value
