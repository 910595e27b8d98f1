import threading
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection
from django.db.models.functions import Now

from messaging import scheduling
from messaging.beat import BeatingScheduler, PresentEntry
from messaging.models import JobRun
from messaging.scheduling import Job, beat_schedule, run_job, tick
from messaging.tasks import scheduled_job

ran: list[str] = []
hold = threading.Event()
started = threading.Event()


def slow() -> None:
    started.set()
    assert hold.wait(10)
    ran.append("slow")


def broken() -> None:
    raise RuntimeError("broken")


JOBS = [
    Job(name="sample.quick", run=lambda: ran.append("quick"), every=timedelta(seconds=5)),
    Job(name="sample.slow", run=slow, every=timedelta(seconds=5)),
    Job(name="sample.broken", run=broken, every=timedelta(hours=1)),
]


@pytest.fixture(autouse=True)
def jobs(settings):
    settings.MESSAGING = {**settings.MESSAGING, "SCHEDULE": "tests.messaging.test_scheduling.JOBS"}
    ran.clear()
    hold.clear()
    started.clear()


def test_a_job_runs_in_public(db):
    assert run_job("sample.quick")
    assert ran == ["quick"]


def test_a_job_that_is_running_is_not_started_twice(committed):
    def first():
        try:
            run_job("sample.slow")
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(10)
    assert run_job("sample.slow") is False
    hold.set()
    thread.join()
    assert ran == ["slow"]


def test_a_failing_or_unknown_job_does_not_raise(db):
    scheduled_job("sample.broken")
    scheduled_job("sample.from_the_future")


def test_ticks_go_to_the_platforms_workers():
    entry = beat_schedule()["sample.quick"]
    assert entry["options"] == {"queue": "control.platform"}
    assert entry["args"] == ("sample.quick",)
    assert entry["task"] == scheduling.JOB_TASK


def test_of_ticks_that_piled_up_one_runs(db):
    assert [tick("sample.quick") for _ in range(5)] == [True, False, False, False, False]
    JobRun.objects.update(began_at=Now() - timedelta(seconds=3))
    assert tick("sample.quick"), "a period's half later the next one counts"
    assert ran == ["quick", "quick"]


def test_a_tick_is_not_judged_by_the_clocks_of_processes():
    """Celery's `expires` compares the scheduler's clock with the worker's: an hour apart, nothing would ever run."""
    assert all("expires" not in entry["options"] for entry in beat_schedule().values())


@pytest.fixture
def scheduler(db, wakeups):
    current_app.conf.beat_schedule = {}
    made = BeatingScheduler(app=current_app, lazy=True)
    yield made
    made.close()


def test_ticks_that_nobody_takes_do_not_fill_the_broker(scheduler, wakeups):
    entry = scheduler.Entry.from_entry("sample.quick", app=current_app, **beat_schedule()["sample.quick"])
    for _ in range(3):
        scheduler.apply_entry(entry)
    assert wakeups.waiting("control.platform") == 3
    wakeups.fill("control.platform", 100, group="platform")
    scheduler.apply_entry(entry)
    assert wakeups.waiting("control.platform") == 103


def test_a_job_that_a_fast_clock_says_ran_in_an_hour_is_due_soon(scheduler):
    entry = scheduler.Entry.from_entry("sample.quick", app=current_app, **beat_schedule()["sample.quick"])
    assert isinstance(entry, PresentEntry)
    entry.last_run_at = entry._default_now() + timedelta(hours=1)
    assert entry.is_due().next <= 5.0
