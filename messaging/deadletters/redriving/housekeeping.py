"""Forgetting runs that ended long ago: they are kept as long as resolved letters are. What was done stays in the audit trail."""

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from messaging.models import RedriveItem, RedriveRun

_BATCH = 5_000
_BATCHES = 20


def forget_old_runs() -> int:
    """Delete runs that have expired, a bounded number of their letters at a time; answers how many runs went."""
    days: int = settings.RETENTION["RESOLVED_DEAD_LETTERS"]
    if not days:  # for ever
        return 0
    forgotten = 0
    for _ in range(_BATCHES):
        run = RedriveRun.objects.filter(finished_at__lt=Now() - timedelta(days=days)).order_by("finished_at").first()
        if run is None:
            break
        ids = list(RedriveItem.objects.filter(run=run).values_list("id", flat=True)[:_BATCH])
        RedriveItem.objects.filter(id__in=ids).delete()
        if len(ids) < _BATCH:
            run.delete()
            forgotten += 1
    return forgotten
