"""Which roles may call an endpoint. Whose rows they then see is decided by the selectors."""

from typing import Any, ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api.principal import ADMINISTRATOR, MANAGER, Principal


class HasRole(BasePermission):
    """Lets callers with one of `roles` in; subclasses name them."""

    roles: ClassVar[tuple[str, ...]] = ()

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller's role is among `roles`."""
        return isinstance(request.user, Principal) and request.user.has_role(*self.roles)


class IsManager(HasRole):
    """For those who see every ride of the company."""

    roles = (MANAGER, ADMINISTRATOR)


class IsAdministrator(HasRole):
    """For those who manage users and integrations."""

    roles = (ADMINISTRATOR,)
