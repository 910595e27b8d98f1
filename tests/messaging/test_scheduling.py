import threading
from datetime import timedelta

import pytest
from django.db import connection

from messaging import scheduling
from messaging.scheduling import Job, beat_schedule, run_job
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


def test_ticks_expire_with_their_period():
    entry = beat_schedule()["sample.quick"]
    assert entry["options"] == {"queue": "control.platform", "expires": 5.0}
    assert entry["args"] == ("sample.quick",)
    assert entry["task"] == scheduling.JOB_TASK
