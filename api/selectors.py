"""Reading operations: a rider sees their own, managers and administrators all of the tenant's."""

from uuid import UUID

from django.db.models import QuerySet

from api.models import Operation
from api.principal import Principal
from wildrydes.kernel.errors import NotFound


def visible_operations(principal: Principal) -> QuerySet[Operation]:
    """The operations that the caller may see."""
    operations = Operation.objects.all()
    return operations if principal.sees_everyone else operations.filter(user_id=principal.user_id)


def operation_for(principal: Principal, operation_id: UUID) -> Operation:
    """One of them.

    Raises:
        NotFound: there is none with this id, or it is another user's.
    """
    operation = visible_operations(principal).filter(id=operation_id).first()
    if operation is None:
        raise NotFound("There is no such operation, or it is not yours.")
    return operation
