"""Scheduled work of the platform: small idempotent jobs, declared in `wildrydes/schedule.py`, started by the scheduler process.

Celery beat sends a job's name to the control queue; a worker runs it in `public` under an advisory lock, so that two
schedulers or a slow run never do the same job twice at once. A lost tick is harmless: the next one does the rest.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from messaging.routing import queue_for
from messaging.topology import QueueClass
from tenants.registry.context import enter_public

JOB_TASK = "messaging.scheduled_job"
# "WRJ": keeps these locks apart from any other use of advisory locks.
_LOCK_SPACE = 0x57_52_4A


@dataclass(frozen=True, kw_only=True)
class Job:
    """`run` is called in `public` every `every`, with no arguments; it must be idempotent and bounded."""

    name: str
    run: Callable[[], object]
    every: timedelta


@lru_cache(maxsize=4)
def _jobs(path: str) -> dict[str, Job]:
    jobs: Iterable[Job] = import_string(path)
    return {job.name: job for job in jobs}


def jobs() -> dict[str, Job]:
    """The declared jobs by name."""
    return _jobs(settings.MESSAGING["SCHEDULE"])


def beat_schedule() -> dict[str, dict[str, Any]]:
    """The jobs as Celery beat wants them. A tick that waited longer than a period is dropped: the next one is there."""
    return {
        job.name: {
            "task": JOB_TASK,
            "schedule": job.every,
            "args": (job.name,),
            "options": {"queue": queue_for(None, QueueClass.CONTROL), "expires": max(1.0, job.every.total_seconds())},
        }
        for job in jobs().values()
    }


def run_job(name: str) -> bool:
    """Run the job now unless it is running already; answers whether it ran.

    Raises:
        KeyError: when no such job is declared.
    """
    job = jobs()[name]
    key = zlib.crc32(name.encode())
    with enter_public(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, _signed(key)])
        if not cursor.fetchone()[0]:
            return False
        try:
            with structlog.contextvars.bound_contextvars(job=name):
                job.run()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, _signed(key)])
    return True


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value
