"""A story as a small picture: a lane for each part of the product, time from left to right. Pure; the template draws it.

Time is squeezed: a pause of an hour takes little more room than one of a minute, so that milliseconds and days fit one line.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wildrydes.kernel.story import Kind, Moment, Tone

WIDTH = 1000.0
_LEFT, _RIGHT = 112.0, 16.0
_LANE, _TOP = 26.0, 14.0
# Beyond this a picture is only ink.
MOST_MARKS = 400
_LEAST_BAR = 4.0
_POINT = 7.0
_ORDER = ("requests", "bookings", "payments", "outside", "loyalty", "notifications", "control", "rfq", "staff")
_SHAPES = {
    Kind.DELIVERY: "bar",
    Kind.CALL: "bar",
    Kind.ATTEMPT: "cross",
    Kind.LETTER: "cross",
    Kind.MONEY: "diamond",
    Kind.POINTS: "diamond",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One mark: a bar from `x` on, or a shape around it."""

    shape: str
    x: float
    y: float
    length: float
    tone: str
    kind: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """A lane's name and the middle of its height."""

    name: str
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Everything that is drawn, in the picture's own coordinates. `now_x` is where the future begins, None without one."""

    width: float
    height: float
    left: float
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    now_x: float | None


def picture_of(moments: Sequence[Moment], *, now: datetime) -> Picture | None:
    """The picture of a story whose moments are sorted by time; None when there is nothing to compare."""
    drawn = [moment for moment in moments if moment.lane][:MOST_MARKS]
    if len(drawn) < 2:
        return None
    names = sorted({moment.lane for moment in drawn}, key=lambda lane: (_rank(lane), lane))
    lanes = {name: _TOP + _LANE * (place + 0.5) for place, name in enumerate(names)}
    scale = _Scale([moment.at for moment in drawn] + [moment.at + moment.took for moment in drawn if moment.took])
    future = any(moment.at > now for moment in drawn)
    return Picture(
        width=WIDTH,
        height=2 * _TOP + _LANE * len(names),
        left=_LEFT,
        lanes=tuple(Lane(name=name, y=y) for name, y in lanes.items()),
        marks=tuple(_mark(moment, scale, lanes[moment.lane]) for moment in drawn),
        now_x=scale.at(now) if future else None,
    )


def _rank(lane: str) -> int:
    return _ORDER.index(lane) if lane in _ORDER else len(_ORDER)


def _mark(moment: Moment, scale: "_Scale", y: float) -> Mark:
    x = scale.at(moment.at)
    end = scale.at(moment.at + moment.took) if moment.took else x
    shape = _SHAPES.get(moment.kind, "dot")
    if moment.tone is Tone.BAD and shape == "dot":
        shape = "cross"
    return Mark(
        shape=shape,
        x=round(x, 1),
        y=y,
        length=round(max(_LEAST_BAR, end - x), 1),
        tone=moment.tone or "plain",
        kind=moment.kind,
        label=f"{moment.title} ({moment.at:%H:%M:%S})",
    )


class _Scale:
    """From times to places: each step between two times takes room by the logarithm of its length."""

    def __init__(self, times: Sequence[datetime]) -> None:
        self._times = sorted(set(times))
        steps = [0.0]
        for earlier, later in zip(self._times, self._times[1:], strict=False):
            milliseconds = (later - earlier) / timedelta(milliseconds=1)
            steps.append(0.15 + math.log10(1 + milliseconds))
        total = sum(steps) or 1.0
        room, place = WIDTH - _LEFT - _RIGHT - _POINT, 0.0
        self._places: list[float] = []
        for step in steps:
            place += step
            self._places.append(_LEFT + _POINT + room * place / total)

    def at(self, moment: datetime) -> float:
        """Where a time stands; between two known ones, in proportion."""
        if moment <= self._times[0]:
            return self._places[0]
        for number in range(1, len(self._times)):
            if moment <= self._times[number]:
                share = (moment - self._times[number - 1]) / (self._times[number] - self._times[number - 1])
                return self._places[number - 1] + share * (self._places[number] - self._places[number - 1])
        return self._places[-1]
