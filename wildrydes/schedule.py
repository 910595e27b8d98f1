"""Every scheduled job of the platform, in one table."""

from datetime import timedelta

from api.housekeeping import forget_old_keys_everywhere
from fleet.services import keep_in_sync
from messaging.scheduling import Job

JOBS: list[Job] = [
    Job(name="api.forget_keys", run=forget_old_keys_everywhere, every=timedelta(minutes=15)),
    Job(name="fleet.sync", run=keep_in_sync, every=timedelta(seconds=5)),
]
