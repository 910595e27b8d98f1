"""The directory of tenants: who is meant by a host, an id or a schema, without a query per request.

Each process remembers an answer for `TTL_SECONDS`; that bounds how long a suspension takes to be noticed everywhere.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tenants.registry.models import Tenant, TenantStatus

TTL_SECONDS = 10.0
# A tenant that is being onboarded is asked for until it is there, so "not yet" is soon asked again.
UNSERVED_TTL_SECONDS = 1.0
_CAPACITY = 20_000


@dataclass(frozen=True, kw_only=True)
class TierPolicy:
    """What a tier promises, as data; see the fields of `Tier` for meaning and units."""

    code: str
    name: str
    requests_per_minute: int
    max_backlog: int
    service_level_seconds: int
    booking_deadline_seconds: int
    payment_failure_outcome: str
    store_credit_limit_minor: int
    store_credit_user_limit_minor: int | None = None
    free_cancellation_minutes: int = 0
    late_cancellation_fee_percent: int = 0
    no_show_fee_percent: int = 100


@dataclass(frozen=True, kw_only=True)
class TenantRef:
    """A tenant as a moment's snapshot: enough to admit, route and brand, cheap to pass around."""

    id: UUID
    schema_name: str
    slug: str
    name: str
    brand_name: str
    brand_colour: str
    brand_logo_url: str
    status: str
    currency: str
    features: Mapping[str, Any] = field(hash=False)
    tier: TierPolicy

    @property
    def is_active(self) -> bool:
        """Whether new work is admitted."""
        return self.status == TenantStatus.ACTIVE

    @property
    def is_working(self) -> bool:
        """Whether what was accepted is worked on: a suspended tenant's is, a half-made one's is not."""
        return self.status in (TenantStatus.ACTIVE, TenantStatus.SUSPENDED)


class _Remembered:
    """A bounded memory of answers with an age limit; `None` is remembered too, so that a flood to an unknown host is cheap."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str], tuple[float, TenantRef | None]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str]) -> tuple[bool, TenantRef | None]:
        with self._lock:
            entry = self._entries.get(key)
        if entry is None or entry[0] < time.monotonic():
            return False, None
        return True, entry[1]

    def put(self, key: tuple[str, str], value: TenantRef | None) -> None:
        served = value is not None and value.is_working
        until = time.monotonic() + (TTL_SECONDS if served else UNSERVED_TTL_SECONDS)
        with self._lock:
            self._entries[key] = (until, value)
            self._entries.move_to_end(key)
            while len(self._entries) > _CAPACITY:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


_remembered = _Remembered()


def forget() -> None:
    """Drop this process's memory, after a change it made itself; other processes notice within `TTL_SECONDS`."""
    _remembered.clear()


def tenant_by_host(host: str) -> TenantRef | None:
    """The tenant reached at `host` (lower case, no port), whatever its status; None when there is none."""
    return _find("host", host, {"domains__domain": host})


def tenant_by_id(tenant_id: UUID) -> TenantRef | None:
    """The tenant with this id, whatever its status; None when there is none."""
    return _find("id", str(tenant_id), {"id": tenant_id})


def tenant_by_schema(schema_name: str) -> TenantRef | None:
    """The tenant whose schema this is; None for `public` and unknown ones."""
    return _find("schema", schema_name, {"schema_name": schema_name})


def _find(kind: str, key: str, lookup: dict[str, Any]) -> TenantRef | None:
    known, value = _remembered.get((kind, key))
    if known:
        return value
    # A tenant's schema has no table of this name, so its search path finds the one in `public`.
    tenant = Tenant.objects.select_related("tier").filter(**lookup).first()
    found = None if tenant is None else snapshot(tenant)
    _remembered.put((kind, key), found)
    return found


def snapshot(tenant: Tenant) -> TenantRef:
    """The row as a `TenantRef`."""
    tier = tenant.tier
    return TenantRef(
        id=tenant.id,
        schema_name=tenant.schema_name,
        slug=tenant.slug,
        name=tenant.name,
        brand_name=tenant.brand_name or tenant.name,
        brand_colour=tenant.brand_colour,
        brand_logo_url=tenant.brand_logo_url,
        status=tenant.status,
        currency=tenant.currency,
        features=tenant.features,
        tier=TierPolicy(
            code=tier.code,
            name=tier.name,
            requests_per_minute=tier.requests_per_minute,
            max_backlog=tier.max_backlog,
            service_level_seconds=tier.service_level_seconds,
            booking_deadline_seconds=tier.booking_deadline_seconds,
            payment_failure_outcome=tier.payment_failure_outcome,
            store_credit_limit_minor=tier.store_credit_limit_minor,
            store_credit_user_limit_minor=tier.store_credit_user_limit_minor,
            free_cancellation_minutes=tier.free_cancellation_minutes,
            late_cancellation_fee_percent=tier.late_cancellation_fee_percent,
            no_show_fee_percent=tier.no_show_fee_percent,
        ),
    )
