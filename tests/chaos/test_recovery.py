from chaos.judging import judge
from chaos.promises import tell
from chaos.recovery import measure, percentile
from chaos.report import Report
from tests.chaos.world import BEGAN, World


def test_recovery_is_from_the_kill_to_the_end_of_the_first_ride_accepted_after_it() -> None:
    world = World()  # struck at 10; rides from 5 to 8, from 15 to 18 and so on

    recovery = measure(tell(world.lines), world.evidence)

    assert recovery.next_confirmed == [8.0]
    assert recovery.open_ended == []
    assert recovery.rides == [3.0] * 5


def test_rides_that_were_open_at_a_kill_are_measured_to_their_end() -> None:
    world = World()
    world.strike(2, at=BEGAN + 16)

    assert measure(tell(world.lines), world.evidence).open_ended == [2.0]


def test_a_kill_concerns_the_companies_it_can_delay() -> None:
    world = World()
    world.strike(2, at=BEGAN + 16, companies=("globex",))

    recovery = measure(tell(world.lines), world.evidence)

    assert recovery.unrecovered == [2]


def test_a_kill_without_a_later_confirmation_fails_the_run() -> None:
    world = World()
    world.strike(2, at=BEGAN + 90)
    story = tell(world.lines)
    report = Report(
        seed=7,
        story=story,
        judgement=judge(story, world.evidence, settle_seconds=60),
        recovery=measure(story, world.evidence),
    )

    assert report.judgement.passed
    assert not report.passed
    assert report.last_line.startswith("chaos: FAIL seed=7 kills=2 promised=5 ended=5 confirmed=3 ")
    assert report.as_json()["unrecovered_kills"] == [2]


def test_a_blow_that_hit_nothing_is_no_kill() -> None:
    world = World()
    world.strike(2, at=BEGAN + 90, hit=None)

    story = tell(world.lines)

    assert [blow.number for blow in story.blows] == [1]
    assert story.missed_blows == 1


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile([], 0.99) == 0.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0
