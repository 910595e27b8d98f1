"""Finding out what an id belongs to, and to which company.

`public` is asked first: reservations, deliveries and dead letters know their tenant. Else every tenant's schema is asked, by
indexes only and many schemas in one statement, until the id is found or the time is up; then the company has to be named.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import ProgrammingError, connection, transaction
from psycopg import sql

import api.story
import bookings.story
import loyalty.story
import messaging.story
import notifications.story
import payments.story
import rfq.story
from console.story.asking import Wanted
from fleet.story import reserved_for
from messaging.story import locate
from tenants.registry.context import enter_public
from tenants.registry.directory import TenantRef, snapshot, tenant_by_id, tenant_by_schema
from tenants.registry.models import Tenant, TenantStatus
from wildrydes.kernel.story import Lookup, Lookups

LOOKUPS: Lookups = (
    *bookings.story.LOOKUPS,
    *api.story.LOOKUPS,
    *payments.story.LOOKUPS,
    *loyalty.story.LOOKUPS,
    *rfq.story.LOOKUPS,
    *notifications.story.LOOKUPS,
    *messaging.story.LOOKUPS,
)
PLATFORM = "public"
"""In place of a company: the platform's own messages. No company can be called that."""
SCHEMAS_AT_ONCE = 20
SECONDS = 5.0
MOST_FOUND = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Something with the id that was asked for. `tenant` is None for the platform's own, and for a company that is gone.

    `kind` says what has this id, such as `operation`. At least one of the three ids is there. `is_unique`: no other company can
    have the same; clients choose some ids themselves.
    """

    kind: str
    tenant_id: UUID | None
    tenant: TenantRef | None
    booking_id: UUID | None = None
    correlation_id: UUID | None = None
    message_id: UUID | None = None
    is_unique: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What was found. `asked` of `schemas` were looked into; where it is less, the time was up or enough was found."""

    found: tuple[Found, ...]
    asked: int
    schemas: int

    @property
    def is_complete(self) -> bool:
        """Whether what was not found is nowhere."""
        return self.asked >= self.schemas


def find(wanted: Wanted, *, company: str = "", seconds: float = SECONDS) -> Search:
    """What has this id; in one company (its short name, or `PLATFORM`), or in all of them for so many seconds at most."""
    with enter_public():
        tenants = _tenants(company)
        there = {tenant.id for tenant in tenants.values()} | ({None} if company == PLATFORM else set())
        known = _in_public(wanted.uuid) if wanted.uuid else ()
        quickly = tuple(one for one in known if not company or one.tenant_id in there)
        if quickly:
            return Search(found=quickly, asked=0, schemas=0)
        with_platform = company in ("", PLATFORM)
        return _in_schemas(wanted, tenants, deadline=time.monotonic() + seconds, with_platform=with_platform)


def _in_public(some_id: UUID) -> Iterator[Found]:
    reserved = reserved_for(some_id)
    if reserved is not None:
        tenant_id, booking_id = reserved
        yield Found(kind="booking", tenant_id=tenant_id, tenant=tenant_by_id(tenant_id), booking_id=booking_id)
        return
    for kind, tenant_id, correlation_id, message_id in locate(some_id)[:MOST_FOUND]:  # type: ignore[assignment]
        yield Found(
            kind=kind, tenant_id=tenant_id, tenant=tenant_by_id(tenant_id) if tenant_id else None,
            correlation_id=correlation_id, message_id=message_id,
        )  # fmt: skip


def _tenants(company: str) -> dict[str, TenantRef]:
    """The companies whose schemas can be asked, by schema: those in service, suspended ones too."""
    rows = Tenant.objects.filter(status__in=(TenantStatus.ACTIVE, TenantStatus.SUSPENDED)).select_related("tier")
    if company:
        rows = rows.filter(slug=company)
    return {tenant.schema_name: snapshot(tenant) for tenant in rows.order_by("schema_name")}


def _in_schemas(wanted: Wanted, tenants: dict[str, TenantRef], *, deadline: float, with_platform: bool) -> Search:
    lookups = [lookup for lookup in LOOKUPS if lookup.by == "text" or wanted.uuid is not None]
    schemas, found, asked = list(tenants), list[Found](), 0
    if with_platform and wanted.uuid is not None:
        # The platform's own messages (onboarding and its kin) are in the journal of `public`.
        found += _ask(["public"], messaging.story.LOOKUPS, wanted, {})
    while asked < len(schemas) and time.monotonic() < deadline and not any(one.is_unique for one in found):
        batch = schemas[asked : asked + SCHEMAS_AT_ONCE]
        found += _ask(batch, lookups, wanted, tenants)
        asked += len(batch)
    certain = any(one.is_unique for one in found)
    return Search(found=tuple(found[:MOST_FOUND]), asked=len(schemas) if certain else asked, schemas=len(schemas))


def _ask(
    schemas: Sequence[str], lookups: Sequence[Lookup], wanted: Wanted, tenants: dict[str, TenantRef]
) -> list[Found]:
    """One statement for all of these schemas; one by one when one of them is older than the code, or gone meanwhile."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_union(schemas, lookups), {"uuid": wanted.uuid, "text": wanted.text})
            rows = cursor.fetchall()
    except ProgrammingError:
        if len(schemas) == 1:
            return []
        return [found for schema in schemas for found in _ask([schema], lookups, wanted, tenants)]
    distinct: dict[tuple[object, ...], Found] = {}
    for kind, schema, unique, booking_id, correlation_id, message_id in rows:
        tenant = tenants.get(schema) or tenant_by_schema(schema)
        distinct.setdefault(
            (schema, booking_id or correlation_id),
            Found(
                kind=kind, tenant_id=tenant.id if tenant else None, tenant=tenant,
                booking_id=booking_id, correlation_id=correlation_id, message_id=message_id, is_unique=unique,
            ),
        )  # fmt: skip
    return _certain(list(distinct.values()))


def _certain(found: list[Found]) -> list[Found]:
    """A booking that is known as such goes before a mere correlation id of the same story."""
    known = {(one.tenant_id, one.correlation_id) for one in found if one.booking_id and one.correlation_id}
    return [one for one in found if one.booking_id or (one.tenant_id, one.correlation_id) not in known]


def _union(schemas: Sequence[str], lookups: Sequence[Lookup]) -> sql.Composed:
    parts = [
        sql.SQL("(SELECT {}::text, {}::text, {}, x.* FROM ({}) AS x (booking, correlation, message))").format(
            sql.Literal(lookup.kind),
            sql.Literal(schema),
            sql.Literal(lookup.unique),
            sql.SQL(lookup.sql).format(s=sql.SQL("{}.").format(sql.Identifier(schema))),
        )
        for schema in schemas
        for lookup in lookups
    ]
    return sql.SQL(" UNION ALL ").join(parts) + sql.SQL(" LIMIT {}").format(sql.Literal(MOST_FOUND * 4))
