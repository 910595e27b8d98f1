"""Reading runs, differences and statements of the present tenant."""

from uuid import UUID

from django.db.models import QuerySet

from payments.reconciliation.models import Item, ItemState, Run, Statement
from payments.reconciliation.repairs import ItemNotFound

NEEDING = (ItemState.OPEN, ItemState.REPAIRING)


def runs() -> QuerySet[Run]:
    """The latest first."""
    return Run.objects.order_by("-started_at")


def items(*, everything: bool = False) -> QuerySet[Item]:
    """Differences, the oldest open ones first; with `everything` those that are dealt with too, the latest first."""
    if everything:
        return Item.objects.order_by("-found_at", "id")
    return Item.objects.filter(state__in=NEEDING).order_by("found_at", "id")


def item(item_id: UUID) -> Item:
    """One difference.

    Raises:
        ItemNotFound: there is none.
    """
    found = Item.objects.select_related("run").filter(id=item_id).first()
    if found is None:
        raise ItemNotFound("There is no such difference.")
    return found


def statements() -> QuerySet[Statement]:
    """The latest day first."""
    return Statement.objects.order_by("-day", "currency")
