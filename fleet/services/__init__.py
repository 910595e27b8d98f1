"""What the fleet can be asked to do."""

from fleet.services.reservations import release_unicorn, reserve_unicorn
from fleet.services.sync import SyncResult, keep_in_sync, sync_fleet

__all__ = ["SyncResult", "keep_in_sync", "release_unicorn", "reserve_unicorn", "sync_fleet"]
