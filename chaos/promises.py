"""Reading the record: which promises were made, by whom, and what became of the requests."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chaos.record import Line
from chaos.wishes import BY_CANCELLATION, BY_OPERATION

ACCEPTED = 202


@dataclass(kw_only=True)
class Promise:
    """A booking that was asked for under one key.

    Attributes:
        company: the tenant's slug.
        key: the idempotency key, which is the booking's reference too.
        amount: what it must cost in minor units, known from quiet rides before; None for those themselves.
        points: what it must earn, from the same.
        is_declined: whether the card was one that is declined.
        accepted_at: when the first 202 was here, seconds since the epoch; None when none came.
        booking: its id, from the first 202.
        operation: its operation's id.
        answers: status, digest of the body and Location of every settling answer.
        wishes_to_cancel: ways in which it was called off and accepted with a 202.
        cancellations: ids of the operations that such a wish opened: promises of their own.
    """

    company: str
    key: str
    amount: int | None = None
    points: int | None = None
    is_declined: bool = False
    accepted_at: float | None = None
    booking: str = ""
    operation: str = ""
    answers: list[tuple[int, str, str]] = field(default_factory=list)
    wishes_to_cancel: list[str] = field(default_factory=list)
    cancellations: list[str] = field(default_factory=list)

    @property
    def was_made(self) -> bool:
        """Whether a 202 came for it."""
        return self.accepted_at is not None

    @property
    def changed_answers(self) -> int:
        """How many answers differ from the first 202."""
        accepted = [answer for answer in self.answers if answer[0] == ACCEPTED]
        return sum(answer != accepted[0] for answer in self.answers) if accepted else 0


@dataclass(frozen=True, kw_only=True)
class Blow:
    """A strike that hit; `companies` are those whose rides it could delay."""

    number: int
    at: float
    kind: str
    companies: frozenset[str]


@dataclass(kw_only=True)
class Story:
    """All that a record says."""

    seed: int = 0
    promises: dict[str, Promise] = field(default_factory=dict)
    blows: list[Blow] = field(default_factory=list)
    harness_errors: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    healed_at: float | None = None
    given_up_restarts: int = 0
    missed_blows: int = 0


def tell(lines: Iterable[Line]) -> Story:
    """Read a record from its first line to its last."""
    story = Story()
    prices: dict[tuple[str, int], tuple[int, int]] = {}
    for line in lines:
        what = line["what"]
        if what == "price":
            prices[line["company"], line["route"]] = (line["amount"], line["points"])
        elif what == "wish":
            amount, points = prices.get((line["company"], line["route"]), (None, None))
            story.promises[line["key"]] = Promise(
                company=line["company"], key=line["key"], amount=amount, points=points, is_declined=line["declined"]
            )
        elif what == "booked":
            _booked(story.promises[line["key"]], line)
        elif what == "cancelled":
            _cancelled(story.promises[line["key"]], line)
        else:
            _aside(story, line)
    return story


def _booked(promise: Promise, line: Line) -> None:
    promise.answers.append((line["status"], line["digest"], line["location"]))
    if line["status"] == ACCEPTED and promise.accepted_at is None:
        promise.accepted_at, promise.booking, promise.operation = line["at"], line["booking"], line["operation"]


def _cancelled(promise: Promise, line: Line) -> None:
    if line["status"] != ACCEPTED:
        return
    promise.wishes_to_cancel.append(line["way"])
    if line["way"] == BY_CANCELLATION:
        promise.cancellations.append(line["operation"])
    else:
        assert line["way"] == BY_OPERATION


def _aside(story: Story, line: dict[str, Any]) -> None:
    if line["what"] == "strike":
        if line["hit"]:
            story.blows.append(
                Blow(
                    number=line["number"],
                    at=line["at"],
                    kind=line["kind"],
                    companies=frozenset(line["companies"]),
                )
            )
        else:
            story.missed_blows += 1
    elif line["what"] == "start":
        story.seed = line["seed"]
    elif line["what"] == "healed":
        story.healed_at = line["at"]
    elif line["what"] == "started again":
        story.given_up_restarts += 1
    elif line["what"] == "statuses":
        story.statuses = line["statuses"]
    elif line["what"] == "harness error":
        story.harness_errors.append(line["why"])
