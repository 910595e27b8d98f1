"""The words in which every app tells its part of what happened to a booking; the console puts the parts on one time line.

An app's part is its module `story.py`: `LOOKUPS` (by which of its ids somebody may ask) and functions that answer moments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from wildrydes.kernel.money import Money

MOST = 5_000
"""How many rows of one kind an app tells of at most; a story with more says that it is cut."""


class Kind(StrEnum):
    """What sort of thing happened; one colour each."""

    REQUEST = "request"
    RIDE = "ride"
    EVENT = "event"
    COMMAND = "command"
    DELIVERY = "delivery"
    ATTEMPT = "attempt"
    CALL = "call"
    MONEY = "money"
    POINTS = "points"
    WEBHOOK = "webhook"
    UNICORN = "unicorn"
    LETTER = "letter"
    STAFF = "staff"


class Tone(StrEnum):
    """How it went, as the console's colours are named."""

    PLAIN = ""
    GOOD = "good"
    INFO = "info"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One thing that happened, without payloads and personal data.

    Attributes:
        at: when, by the database's clock; in the future for what is planned.
        title: what, in a few words.
        detail: a sentence more.
        id: the row's own id.
        parent: the id of what caused it: a message, or the delivery whose handler did it.
        lane: the part of the product it belongs to, such as a queue class.
        took: how long it lasted from `at` on.
        money: the amount that it is about.
        attempt: which try of its delivery, counted from 1; 0 where that means nothing.
        error_id: the failed attempt's row, whose text may be looked at by those who may.
    """

    at: datetime
    kind: Kind
    title: str
    detail: str = ""
    tone: Tone = Tone.PLAIN
    id: UUID | None = None
    parent: UUID | None = None
    lane: str = ""
    took: timedelta | None = None
    money: Money | None = None
    attempt: int = 0
    error_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """A way to find a booking by an id: one indexed look into one table of a schema.

    `sql` selects three columns, each a UUID or null: the booking's id, a correlation id, a message's id. `{s}` stands for the
    schema with its dot. `by` names the parameter: `uuid`, or `text` for ids of others. `unique` says that the id was made by us
    or the provider: clients' own may occur at several companies.
    """

    kind: str
    by: str
    sql: LiteralString
    unique: bool = True


Lookups = Sequence[Lookup]
