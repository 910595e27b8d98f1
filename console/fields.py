"""Filters above a list: what the template draws."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Field:
    """One filter. With `choices` (value and title) it is a choice, else a line of text."""

    name: str
    title: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    placeholder: str = ""
    kind: str = "text"


def choices_of(pairs: Iterable[tuple[str, str]], *, everything: str) -> tuple[tuple[str, str], ...]:
    """Choices with one in front that leaves the filter open."""
    return (("", everything), *((str(value), str(title)) for value, title in pairs))
