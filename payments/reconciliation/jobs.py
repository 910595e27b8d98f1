"""Scheduled jobs, in `public`: short, bounded, and harmless when two schedulers start them."""

from payments.reconciliation.runs import open_daily_run
from payments.reconciliation.watching import retry_dead_letters, watch_tenant
from tenants.registry.rounds import in_every_tenant


def watch_open_payments() -> None:
    """Every few minutes: what is open or unknown, and dead payment letters."""
    in_every_tenant(watch_tenant)
    retry_dead_letters()


def reconcile_days() -> None:
    """Begin the comparison of each tenant's oldest day that has ended and has no statement."""
    in_every_tenant(lambda: int(open_daily_run()))
