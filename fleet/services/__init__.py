"""What the fleet can be asked to do."""

from fleet.services.calls import (
    answered,
    ask,
    award_call,
    close_call,
    forget_calls,
    open_call,
    revoke_award,
    withdraw_call,
)
from fleet.services.credentials import Issued, issue_credential, register_operator, revoke_credential, speaker_with
from fleet.services.holds import confirm_reservation, release_expired
from fleet.services.operators import remove_webhook, set_webhook
from fleet.services.positions import Reported, Seen, report_positions
from fleet.services.reservations import release_unicorn, reserve_unicorn
from fleet.services.sync import SyncResult, keep_in_sync, sync_fleet

__all__ = [
    "Issued",
    "Reported",
    "Seen",
    "SyncResult",
    "answered",
    "ask",
    "award_call",
    "close_call",
    "confirm_reservation",
    "forget_calls",
    "issue_credential",
    "keep_in_sync",
    "open_call",
    "register_operator",
    "release_expired",
    "release_unicorn",
    "remove_webhook",
    "report_positions",
    "reserve_unicorn",
    "revoke_award",
    "revoke_credential",
    "set_webhook",
    "speaker_with",
    "sync_fleet",
    "withdraw_call",
]
