"""Who is asking: what a verified access token says about its bearer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from rest_framework.request import Request

RIDER = "rider"
MANAGER = "manager"
ADMINISTRATOR = "administrator"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The caller of an API request; `request.user` of every `ApiView`. Built from the token alone, without the database.

    `role` is one of `rider`, `manager`, `administrator`. `email` is empty when the token does not carry it. `features` are
    the tenant's feature flags at the time the token was issued.
    """

    user_id: UUID
    tenant_id: UUID
    role: str
    name: str = ""
    email: str = ""
    features: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_authenticated(self) -> bool:
        """Always True; Django's and DRF's word for "somebody is logged in"."""
        return True

    @property
    def pk(self) -> UUID:
        """The user's id, under the name that Django's tools look for."""
        return self.user_id

    @property
    def sees_everyone(self) -> bool:
        """Whether the caller sees what all users of the company do; a rider sees their own."""
        return self.has_role(MANAGER, ADMINISTRATOR)

    def has_role(self, *roles: str) -> bool:
        """Whether the caller has one of `roles`."""
        return self.role in roles


def principal_of(request: Request) -> Principal:
    """The caller of a request that has been authenticated."""
    if not isinstance(request.user, Principal):
        raise TypeError("The view let a request in that carries no access token of a tenant's user.")
    return request.user
