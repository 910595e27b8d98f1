from datetime import timedelta

import pytest
from django.db.models.functions import Now

from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.redriving import housekeeping, services
from messaging.models import RedriveItem, RedriveRun
from tests.messaging.deadletters.letters import ADA


@pytest.fixture
def runs(dead):
    """One that ended long ago, one that ended now, one that is open."""
    dead(), dead()
    old = services.cancel(services.plan_run(LetterFilter(), rate=1.0, actor=ADA).id, actor=ADA)
    RedriveRun.objects.filter(id=old.id).update(finished_at=Now() - timedelta(days=400))
    ended = services.cancel(services.plan_run(LetterFilter(), rate=1.0, actor=ADA).id, actor=ADA)
    return old, ended, services.plan_run(LetterFilter(), rate=1.0, actor=ADA)


def test_what_ended_long_ago_is_forgotten_in_batches(runs, monkeypatch):
    monkeypatch.setattr(housekeeping, "_BATCH", 2)
    _, ended, open_run = runs
    assert housekeeping.forget_old_runs() == 1
    assert set(RedriveRun.objects.values_list("id", flat=True)) == {ended.id, open_run.id}
    assert RedriveItem.objects.count() == 4


def test_one_round_is_bounded(runs, monkeypatch):
    monkeypatch.setattr(housekeeping, "_BATCH", 1)
    monkeypatch.setattr(housekeeping, "_BATCHES", 1)
    assert housekeeping.forget_old_runs() == 0
    assert RedriveItem.objects.filter(run=runs[0]).count() == 1


def test_for_ever_is_for_ever(runs, settings):
    settings.RETENTION = {**settings.RETENTION, "RESOLVED_DEAD_LETTERS": 0}
    assert housekeeping.forget_old_runs() == 0
