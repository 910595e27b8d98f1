"""Every scheduled job of the platform, in one table."""

from datetime import timedelta

from api.housekeeping import forget_old_keys_everywhere
from fleet.services import forget_calls, keep_in_sync, release_expired
from messaging.deadletters.redriving.housekeeping import forget_old_runs
from messaging.journal.jobs import clean_journals, seal_journals
from messaging.scheduling import Job
from payments.reconciliation.jobs import reconcile_days, watch_open_payments
from tenants.identity.services import delete_expired_sessions_everywhere
from tenants.registry.keys import delete_expired_keys
from tenants.staff.sessions import delete_expired_sessions

JOBS: list[Job] = [
    Job(name="api.forget_keys", run=forget_old_keys_everywhere, every=timedelta(minutes=15)),
    Job(name="deadletters.forget_runs", run=forget_old_runs, every=timedelta(hours=6)),
    Job(name="fleet.forget_calls", run=forget_calls, every=timedelta(minutes=15)),
    Job(name="fleet.release_expired", run=release_expired, every=timedelta(seconds=15)),
    Job(name="fleet.sync", run=keep_in_sync, every=timedelta(seconds=5)),
    Job(name="identity.delete_expired_sessions", run=delete_expired_sessions_everywhere, every=timedelta(hours=1)),
    Job(name="journal.clean", run=clean_journals, every=timedelta(seconds=30)),
    Job(name="journal.seal", run=seal_journals, every=timedelta(seconds=30)),
    Job(name="payments.reconcile_days", run=reconcile_days, every=timedelta(minutes=5)),
    Job(name="payments.watch_open", run=watch_open_payments, every=timedelta(minutes=2)),
    Job(name="staff.delete_expired_sessions", run=delete_expired_sessions, every=timedelta(hours=6)),
    Job(name="registry.delete_expired_keys", run=delete_expired_keys, every=timedelta(hours=1)),
]
