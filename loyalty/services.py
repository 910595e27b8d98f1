"""Giving and taking points. Every function runs in the caller's transaction and may be run again without a second effect."""

from uuid import UUID

from loyalty.domain import points_for
from loyalty.models import Account, Entry, EntryKind


def award_points(*, user_id: UUID, booking_id: UUID, fare_minor: int) -> bool:
    """Points for a confirmed ride: once, and none (False) when it has been called off meanwhile."""
    account = _locked(user_id)
    if Entry.objects.filter(booking_id=booking_id).exists():
        return False
    _enter(account, booking_id, EntryKind.EARNED, points_for(fare_minor))
    return True


def take_back_points(*, user_id: UUID, booking_id: UUID) -> bool:
    """Take back what a ride earned that does not take place, once; events may overtake each other, so it may be nothing yet."""
    account = _locked(user_id)
    entries = {entry.kind: entry for entry in Entry.objects.filter(booking_id=booking_id)}
    if EntryKind.TAKEN_BACK in entries:
        return False
    earned = entries.get(EntryKind.EARNED)
    _enter(account, booking_id, EntryKind.TAKEN_BACK, -earned.points if earned else 0)
    return True


def _locked(user_id: UUID) -> Account:
    """The user's account, made at need; its row lock puts the events of one user in line."""
    Account.objects.bulk_create([Account(user_id=user_id)], ignore_conflicts=True)
    return Account.objects.select_for_update().get(user_id=user_id)


def _enter(account: Account, booking_id: UUID, kind: EntryKind, points: int) -> None:
    Entry.objects.create(user_id=account.user_id, booking_id=booking_id, kind=kind, points=points)
    account.balance += points
    account.save(update_fields=["balance"])
