"""Dry runs: asking a route what handling a message would do now, where it cannot do anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import structlog
from django.db import connection, transaction

from messaging.deadletters.errors import Obstacle
from messaging.deadletters.opening import entered, envelope_for, route_of, tenant_of
from messaging.journal.models import Message
from messaging.messages import Envelope, handling
from messaging.models import DeadLetter
from messaging.topology import Prospect, Route, Verdict
from tenants.registry.directory import TenantRef

_log = structlog.get_logger(__name__)
_NOBODY_SAYS = Prospect(
    verdict=Verdict.UNKNOWN, summary="This handler does not tell what it would do; it would be run again."
)


@dataclass(frozen=True, kw_only=True)
class Sendable:
    """A letter that can be sent again, and what that would do."""

    letter: DeadLetter
    tenant: TenantRef | None
    route: Route
    prospect: Prospect


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """A letter that cannot be sent again as things are, and why."""

    letter: DeadLetter
    obstacle: Obstacle


def foresee_all(letters: Iterable[DeadLetter]) -> list[Sendable | Blocked]:
    """What sending each of these would do, tenant by tenant. Bound how many: their messages are read."""
    found: list[Sendable | Blocked] = []
    by_tenant = sorted(letters, key=lambda letter: str(letter.tenant_id or ""))
    for _, group in groupby(by_tenant, key=lambda letter: letter.tenant_id):
        found += _foresee_group(list(group))
    return found


def _foresee_group(letters: list[DeadLetter]) -> list[Sendable | Blocked]:
    try:
        tenant = tenant_of(letters[0])
    except Obstacle as error:
        return [Blocked(letter=letter, obstacle=error) for letter in letters]
    with entered(tenant):
        messages = Message.objects.in_bulk([letter.message_id for letter in letters])
        return [_foresee_letter(letter, messages.get(letter.message_id), tenant) for letter in letters]


def _foresee_letter(letter: DeadLetter, message: Message | None, tenant: TenantRef | None) -> Sendable | Blocked:
    try:
        route = route_of(letter)
        envelope = envelope_for(letter, route, message, tenant)
    except Obstacle as error:
        return Blocked(letter=letter, obstacle=error)
    return Sendable(letter=letter, tenant=tenant, route=route, prospect=foresee(route, envelope))


def foresee(route: Route, envelope: Envelope[Any]) -> Prospect:
    """What handling the message would do now. In the message's schema; what the route tries to change is refused.

    A route that has no answer or fails to give one is not an error: the verdict is `unknown`.
    """
    if route.foresee is None:
        return _NOBODY_SAYS
    try:
        # Rolled back in any case, which takes the read-only mode with it.
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL transaction_read_only = on")
            with handling(envelope):
                prospect = route.foresee(envelope)
            transaction.set_rollback(True)
    except Exception as error:
        if connection.connection is None or connection.connection.closed:
            raise  # the database went away, which says nothing of the message
        _log.warning("deadletters.unforeseen", handler=route.name, error=type(error).__name__)
        return Prospect(
            verdict=Verdict.UNKNOWN, summary=f"What it would do could not be foreseen ({type(error).__name__})."
        )
    return prospect
