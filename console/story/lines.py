"""A story as lines to be read: how deep, how long after the beginning, what is left out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from wildrydes.kernel.story import Kind, Moment

# A delivery that failed more often than this is shown by its first and last attempts.
_ATTEMPTS_SHOWN = 6
_FIRST, _LAST = 3, 2
_DEEPEST = 5
# A pause worth a line of its own.
_PAUSE = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line. `after` is the time since the beginning, `pause` the time since the line before where that is long.

    `hidden` is how many moments this line stands for; then it has no moment of its own to show.
    """

    moment: Moment
    depth: int
    after: str
    took: str
    pause: str
    is_ahead: bool
    hidden: int = 0


def lines_of(moments: Sequence[Moment], *, now: datetime, everything: bool = False) -> list[Line]:
    """The lines of a story whose moments are sorted by time; `everything` leaves nothing out."""
    if not moments:
        return []
    depths, hidden = _depths(moments), {} if everything else _repeated(moments)
    start, before = moments[0].at, moments[0].at
    lines: list[Line] = []
    told: set[UUID | None] = set()
    for moment in moments:
        count = 0
        if moment.parent in hidden and _is_try(moment) and moment.attempt in hidden[moment.parent]:
            if moment.parent in told:
                continue
            told.add(moment.parent)
            count = len(hidden[moment.parent])
        pause = moment.at - before
        lines.append(
            Line(
                moment=moment,
                depth=depths.get(moment.id, 0) if moment.id else depths.get(moment.parent, 0) + bool(moment.parent),
                after=f"+{duration(moment.at - start)}",
                took=duration(moment.took) if moment.took is not None else "",
                pause=duration(pause) if pause >= _PAUSE else "",
                is_ahead=moment.at > now,
                hidden=count,
            )
        )
        before = moment.at
    return lines


def _is_try(moment: Moment) -> bool:
    return moment.kind in (Kind.ATTEMPT, Kind.CALL)


def _repeated(moments: Sequence[Moment]) -> dict[UUID | None, frozenset[int]]:
    """Deliveries that failed often, and which of their attempts are left out."""
    failed: dict[UUID, set[int]] = {}
    for moment in moments:
        if moment.kind is Kind.ATTEMPT and moment.parent is not None:
            failed.setdefault(moment.parent, set()).add(moment.attempt)
    left_out: dict[UUID | None, frozenset[int]] = {}
    for delivery, attempts in failed.items():
        if len(attempts) > _ATTEMPTS_SHOWN:
            left_out[delivery] = frozenset(sorted(attempts)[_FIRST:-_LAST])
    return left_out


def _depths(moments: Sequence[Moment]) -> dict[UUID | None, int]:
    """How many causes stand before each id, no deeper than can be drawn. A ring of causes, which cannot be, ends too."""
    parents = {moment.id: moment.parent for moment in moments if moment.id is not None and moment.id != moment.parent}
    depths: dict[UUID | None, int] = {}
    for some_id in parents:
        chain: list[UUID] = []
        at: UUID | None = some_id
        while at is not None and at not in depths and at not in chain:
            chain.append(at)
            at = parents.get(at)
        depth = depths.get(at, -1) if at is not None else -1
        for link in reversed(chain):
            depth = min(depth + 1, _DEEPEST)
            depths[link] = depth
    return depths


def duration(span: timedelta) -> str:
    """A length of time as people say it, to two units."""
    seconds = span.total_seconds()
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 1:
        return f"{sign}{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{sign}{seconds:.2f} s"
    for unit, size, small, part in (("min", 60, "s", 1), ("h", 3600, "min", 60), ("d", 86400, "h", 3600)):
        if seconds < size * (60 if unit == "min" else 24 if unit == "h" else float("inf")):
            return f"{sign}{int(seconds // size)} {unit} {int(seconds % size // part)} {small}"
    raise AssertionError("unreachable: the last unit has no end")
