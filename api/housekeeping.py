"""Scheduled jobs of the API, in `public`."""

from api.idempotency import forget_old_keys
from tenants.registry.rounds import in_every_tenant

_BATCH = 1_000
_BATCHES_PER_ROUND = 20


def forget_old_keys_everywhere() -> int:
    """Delete idempotency keys that have been kept long enough, in every tenant; answers how many."""
    return in_every_tenant(_forget_in_batches)


def _forget_in_batches() -> int:
    total = 0
    for _ in range(_BATCHES_PER_ROUND):
        deleted = forget_old_keys(batch=_BATCH)
        total += deleted
        if deleted < _BATCH:
            break
    return total
