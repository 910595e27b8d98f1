"""Runs as tests plan and watch them."""

from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.redriving import selectors, services
from tests.messaging.deadletters.letters import ADA, tick

ALL = LetterFilter()


def plan(selection=ALL, *, rate=100.0, actor=ADA, **options):
    return services.plan_run(selection, rate=rate, actor=actor, **options)


def until(run, *states, ticks=60, seconds=1.0):
    for _ in range(ticks):
        run.refresh_from_db()
        if run.state in states:
            return selectors.progress(run.id)
        tick(seconds=seconds)
    raise AssertionError(f"the run stays {run.state}: {selectors.progress(run.id)}")
