"""Reading points."""

from uuid import UUID

from django.db.models import QuerySet

from loyalty.models import Account, Entry


def balance_of(user_id: UUID) -> int:
    """The user's points; none without an account."""
    return Account.objects.filter(user_id=user_id).values_list("balance", flat=True).first() or 0


def entries_of(user_id: UUID) -> QuerySet[Entry]:
    """What changed the user's points; entries of nothing are bookkeeping and left out."""
    return Entry.objects.filter(user_id=user_id).exclude(points=0)
