"""Opening a dead letter: its tenant, its handler and its message as they are today, or why one of them is not there."""

from contextlib import AbstractContextManager
from typing import Any

import msgspec

from messaging.deadletters.errors import (
    DoesNotFit,
    HandlerUnknown,
    MessageGone,
    MessageTooNew,
    TenantGone,
    TenantNotReady,
)
from messaging.journal.models import Message
from messaging.messages import Envelope, from_payload
from messaging.models import DeadLetter
from messaging.topology import Route, Scope, get_topology
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef, forget, tenant_by_id


def tenant_of(letter: DeadLetter) -> TenantRef | None:
    """Whose letter it is; None for the platform's. A suspended tenant's letters may be worked on: they were accepted.

    Raises:
        TenantGone, TenantNotReady: its schema cannot be entered.
    """
    if letter.tenant_id is None:
        return None
    tenant = tenant_by_id(letter.tenant_id)
    if tenant is None or not tenant.is_working:
        forget()  # the directory may remember what was so a moment ago
        tenant = tenant_by_id(letter.tenant_id)
    if tenant is None:
        raise TenantGone
    if not tenant.is_working:
        raise TenantNotReady(f"{tenant.name} is not in service ({tenant.status}); finish its onboarding, then redrive.")
    return tenant


def entered(tenant: TenantRef | None) -> AbstractContextManager[Any]:
    """Inside the schema that holds the letter's message."""
    return enter_public() if tenant is None else enter_tenant(tenant)


def route_of(letter: DeadLetter) -> Route:
    """The row of the topology that would handle it today.

    Raises:
        HandlerUnknown, MessageTooNew: this version of the code cannot.
        TenantGone: a tenant's handler, and the letter belongs to none.
    """
    route = get_topology().route(letter.handler)
    if route is None:
        raise HandlerUnknown(
            f"This version of the product has no handler {letter.handler}; redrive when one that has it runs, or discard."
        )
    if letter.version > route.message.version:
        raise MessageTooNew(
            f"A newer version of the product wrote it ({letter.topic} v{letter.version}); redrive when that runs everywhere."
        )
    if route.scope is Scope.TENANT and letter.tenant_id is None:
        raise TenantGone("It was sent without a company, so no handler may run it; discard it.")
    return route


def message_of(letter: DeadLetter) -> Message:
    """The message, from the entered schema.

    Raises:
        MessageGone: it is not there any more.
    """
    message = Message.objects.filter(id=letter.message_id).first()
    if message is None:
        raise MessageGone
    return message


def envelope_for(letter: DeadLetter, route: Route, message: Message | None, tenant: TenantRef | None) -> Envelope[Any]:
    """The message as its handler would get it.

    Raises:
        MessageGone: there is none.
        DoesNotFit: the handler's shape has changed, or the payload never fitted.
    """
    if message is None:
        raise MessageGone
    try:
        body = from_payload(message.payload, route.message)
    except msgspec.ValidationError:
        # The error's own text may quote the payload.
        raise DoesNotFit(
            f"The message (v{message.version}) does not fit {route.message.__name__} v{route.message.version}; "
            "edit it and send it, or discard it."
        ) from None
    return Envelope(
        id=message.id,
        body=body,
        correlation_id=message.correlation_id,
        causation_id=message.causation_id,
        occurred_at=message.occurred_at,
        delivery_id=letter.id,
        attempt=1,
        tenant=tenant,
    )
