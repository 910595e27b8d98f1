"""Who speaks to us on behalf of unicorns: an operator's system, or one unicorn for itself."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """The bearer of a fleet token; `request.user` of the fleet's endpoints. No `unicorn_id`: all of the operator's."""

    credential_id: UUID
    operator_id: UUID
    unicorn_id: UUID | None = None

    @property
    def is_authenticated(self) -> bool:
        """Always True; Django's and DRF's word for "somebody is logged in"."""
        return True

    @property
    def pk(self) -> UUID:
        """The credential's id, under the name that Django's tools look for."""
        return self.credential_id
