"""Lines and pictures of made-up stories."""

from datetime import UTC, datetime, timedelta

import pytest

from console.story.lines import duration, lines_of
from console.story.picture import WIDTH, picture_of
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.story import Kind, Moment, Tone

START = datetime(2026, 11, 21, tzinfo=UTC)


def moment(seconds=0.0, kind=Kind.EVENT, **more):
    return Moment(at=START + timedelta(seconds=seconds), kind=kind, title="it", **{"lane": "bookings", **more})


def lines(*moments, now=START + timedelta(days=1), **more):
    return lines_of(moments, now=now, **more)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"), (0.0004, "0 ms"), (0.0125, "12 ms"), (0.9, "900 ms"), (1, "1.00 s"), (59.99, "59.99 s"), (60, "1 min 0 s"),
        (3599, "59 min 59 s"), (3600, "1 h 0 min"), (86_399, "23 h 59 min"), (86_400, "1 d 0 h"), (9_000_000, "104 d 4 h"),
        (-2, "-2.00 s"),
    ],
)  # fmt: skip
def test_durations_are_said_as_people_do(seconds, text):
    assert duration(timedelta(seconds=seconds)) == text


def test_causes_are_indented_and_no_deeper_than_can_be_drawn():
    ids = [new_id() for _ in range(9)]
    chain = [moment(n, id=one, parent=ids[n - 1] if n else None) for n, one in enumerate(ids)]
    assert [line.depth for line in lines(*chain)] == [0, 1, 2, 3, 4, 5, 5, 5, 5]


def test_a_long_chain_and_a_ring_of_causes_end():
    ids = [new_id() for _ in range(5_000)]
    told = lines(*[moment(id=one, parent=ids[n - 1]) for n, one in enumerate(ids)])
    assert max(line.depth for line in told) == 5


def test_a_pause_and_the_future_are_marked():
    told = lines(moment(0), moment(1), moment(100), moment(500), now=START + timedelta(seconds=200))
    assert [line.pause for line in told] == ["", "", "1 min 39 s", "6 min 40 s"]
    assert [line.is_ahead for line in told] == [False, False, False, True]
    assert [line.after for line in told] == ["+0 ms", "+1.00 s", "+1 min 40 s", "+8 min 20 s"]


def tries(count, delivery):
    for n in range(1, count + 1):
        yield moment(n, Kind.CALL, parent=delivery, attempt=n, id=new_id())
        yield moment(n + 0.1, Kind.ATTEMPT, parent=delivery, attempt=n, id=new_id())


@pytest.mark.parametrize(("count", "shown", "hidden"), [(6, 6, 0), (7, 5, 2), (1_000, 5, 995)])
def test_many_attempts_are_told_by_the_first_and_the_last(count, shown, hidden):
    told = lines(*tries(count, new_id()))
    assert sum(line.moment.kind is Kind.ATTEMPT and not line.hidden for line in told) == shown
    assert [line.hidden for line in told if line.hidden] == ([hidden] if hidden else [])
    assert len(lines(*tries(count, new_id()), everything=True)) == 2 * count


def test_nothing_is_no_lines_and_no_picture():
    assert lines() == []
    assert picture_of([], now=START) is None
    assert picture_of([moment()], now=START) is None


def test_a_picture_squeezes_pauses_and_stays_in_its_frame():
    told = [
        moment(0),
        moment(0.01),
        moment(1, lane="payments"),
        moment(86_400, lane="outside", took=timedelta(seconds=5)),
    ]
    drawn = picture_of(told, now=START + timedelta(seconds=10))
    assert [lane.name for lane in drawn.lanes] == ["bookings", "payments", "outside"]
    places = [mark.x for mark in drawn.marks]
    assert places == sorted(places)
    assert all(drawn.left <= mark.x <= mark.x + mark.length <= WIDTH + 4 for mark in drawn.marks)
    # A day takes less than four times as much room as a second does.
    assert places[3] - places[2] < 4 * (places[2] - places[1])
    assert places[2] < drawn.now_x < places[3]


def test_all_at_one_instant_can_be_drawn():
    assert picture_of([moment(), moment(tone=Tone.BAD)], now=START).marks[1].shape == "cross"
