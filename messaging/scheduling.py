"""Scheduled work of the platform: small idempotent jobs, declared in `wildrydes/schedule.py`, started by the scheduler process.

Celery beat sends a job's name to the control queue; a worker runs it in `public` under an advisory lock, so that two
schedulers or a slow run never do the same job twice at once. A lost tick is harmless: the next one does the rest.

Whether a tick is too old is told by when the job began last, by the database's clock. Celery's own `expires` compares the
scheduler's clock with the worker's: an hour apart, no job would ever run.
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
    """The jobs as Celery beat wants them."""
    return {
        job.name: {
            "task": JOB_TASK,
            "schedule": job.every,
            "args": (job.name,),
            "options": {"queue": jobs_queue()},
        }
        for job in jobs().values()
    }


def jobs_queue() -> str:
    """Where ticks wait for a worker."""
    return queue_for(None, QueueClass.CONTROL)


_BEGIN = """
    INSERT INTO messaging_jobrun (name, began_at) VALUES (%(name)s, clock_timestamp())
        ON CONFLICT (name) DO UPDATE SET began_at = excluded.began_at
     WHERE messaging_jobrun.began_at <= clock_timestamp() - make_interval(secs => %(least)s)
 RETURNING name
"""


def run_job(name: str, *, least_seconds: float = 0.0) -> bool:
    """Run the job now unless it is running already, or began less than `least_seconds` ago; answers whether it ran.

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
            cursor.execute(_BEGIN, {"name": name, "least": least_seconds})
            if cursor.fetchone() is None:
                return False
            with structlog.contextvars.bound_contextvars(job=name):
                job.run()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, _signed(key)])
    return True


def tick(name: str) -> bool:
    """Run the job as the schedule wants it; of ticks that piled up while no worker was there, one runs."""
    return run_job(name, least_seconds=jobs()[name].every.total_seconds() / 2)


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value
