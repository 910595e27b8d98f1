"""Every scheduled job of the platform, in one table."""

from datetime import timedelta

from fleet.services.sync import sync_fleet
from messaging.scheduling import Job

JOBS: list[Job] = [
    Job(name="fleet.sync", run=sync_fleet, every=timedelta(seconds=5)),
]
