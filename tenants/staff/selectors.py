"""Reads about second factors."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from tenants.staff.models import Authenticator

REQUIRED = "required"


@dataclass(frozen=True, kw_only=True)
class SecondFactor:
    """A member of staff's confirmed second factor. `mark` tells it from an earlier one."""

    mark: str
    recovery_codes_left: int


def is_required() -> bool:
    """Whether nobody may work in the console without one (`STAFF_SECOND_FACTOR`)."""
    return bool(settings.STAFF_SECOND_FACTOR == REQUIRED)


def mark_of(user_id: UUID) -> str:
    """What a session notes of the confirmed second factor that opened it; empty when there is none."""
    found = Authenticator.objects.filter(user_id=user_id, confirmed_at__isnull=False).values_list("id", flat=True)
    return str(found[0]) if found else ""


def second_factor_of(user_id: UUID) -> SecondFactor | None:
    """The confirmed second factor."""
    found = Authenticator.objects.filter(user_id=user_id, confirmed_at__isnull=False).first()
    if found is None:
        return None
    left = found.recovery_codes.filter(used_at__isnull=True).count()
    return SecondFactor(mark=str(found.id), recovery_codes_left=left)
