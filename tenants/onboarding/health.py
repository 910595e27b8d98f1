"""What the health of the whole product has to say about tenants' schemas."""

from time import monotonic

from django.db import DatabaseError

from tenants.onboarding.migrating import schemas_behind, tenant_schemas
from wildrydes.kernel.telemetry import Part

# One statement over all schemas: what is well is not asked about all the time.
_WELL_SECONDS = 300.0
_BEHIND_SECONDS = 15.0


class _Remembered:
    until = float("-inf")
    trouble = ""


def schemas() -> Part:
    """Whether tenants' schemas lack migrations of this version; their work is put back until they have them."""
    if monotonic() >= _Remembered.until:
        _Remembered.trouble = _look()
        _Remembered.until = monotonic() + (_BEHIND_SECONDS if _Remembered.trouble else _WELL_SECONDS)
    return Part(name="schemas", trouble=_Remembered.trouble, needed=False)


def _look() -> str:
    try:
        behind = schemas_behind(tenant_schemas())
    except DatabaseError as error:  # one that is being dropped, or many that take too long
        return f"could not be looked at ({type(error.__cause__ or error).__name__})"
    count = len(behind)
    return f"{count} tenants' schemas are behind the code: run `manage.py migrate_tenants`" if count else ""
