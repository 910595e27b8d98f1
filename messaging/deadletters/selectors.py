"""Reading dead letters. What a message says is not read here: `services.look_at_payload` does, and writes down who looked."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from messaging.deadletters.errors import LetterNotFound, Obstacle
from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.foreseeing import Blocked, foresee_all
from messaging.deadletters.opening import entered, tenant_of
from messaging.journal.models import HandlerError, Message
from messaging.models import DeadLetter, DeadLetterState, ItemState, RedriveItem
from messaging.topology import Prospect
from tenants.registry.directory import TenantRef

_MOST_ATTEMPTS = 200


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Letters that died of the same: one line of the console.

    `count` are those the filter finds, `open` those of them nobody has worked on; `without_outcome` are open ones whose business
    outcome could not be committed. `tenants` is how many companies are touched (the platform itself is none).
    """

    fingerprint: str
    handler: str
    topic: str
    queue_class: str
    reason: str
    error_class: str
    count: int
    open: int
    without_outcome: int
    tenants: int
    first_died_at: datetime
    last_died_at: datetime


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try that failed. `delivery_id` differs between the first life of the letter and each redrive."""

    id: UUID
    delivery_id: UUID
    attempt: int
    error_class: str
    happened_at: datetime


@dataclass(frozen=True, kw_only=True)
class LetterDetail:
    """A letter with what is known of it in the tenant's schema, without payload and texts of errors.

    `prospect` says what sending it again would do now; when it cannot be sent it is None, and `obstacle` is a sentence on why.
    `run_id` is the open redrive run that has it. `occurred_at` and `causation_id` are None when the
    message is not in the journal any more.
    """

    letter: DeadLetter
    tenant: TenantRef | None
    attempts: tuple[Attempt, ...]
    occurred_at: datetime | None
    causation_id: UUID | None
    prospect: Prospect | None
    obstacle: str
    run_id: UUID | None


def causes(filters: LetterFilter | None = None, *, limit: int = 200) -> list[Cause]:
    """Letters grouped by what they died of: first those with an outcome missing, then by how many are open."""
    is_open = Q(state=DeadLetterState.OPEN)
    rows = (
        (filters or LetterFilter())
        .apply()
        .values("fingerprint", "handler", "topic", "queue_class", "reason", "error_class")
        .annotate(
            count=Count("id"),
            open=Count("id", filter=is_open),
            without_outcome=Count("id", filter=is_open & Q(outcome_committed=False)),
            tenants=Count("tenant_id", distinct=True),
            first_died_at=Min("died_at"),
            last_died_at=Max("last_died_at"),
        )
        .order_by("-without_outcome", "-open", "-last_died_at")[:limit]
    )
    return [Cause(**row) for row in rows]


def letters(filters: LetterFilter | None = None) -> QuerySet[DeadLetter]:
    """The letters, those without an outcome first, then the latest deaths. Slice it."""
    found = (filters or LetterFilter()).apply()
    return found.order_by("outcome_committed", "-last_died_at", "-id")


def letter(letter_id: UUID) -> LetterDetail:
    """One letter.

    Raises:
        LetterNotFound: there is none with this id.
    """
    found = DeadLetter.objects.filter(id=letter_id).first()
    if found is None:
        raise LetterNotFound
    in_run = RedriveItem.objects.filter(letter_id=letter_id, state__in=(ItemState.WAITING, ItemState.SENT))
    attempts: tuple[Attempt, ...] = ()
    message: Message | None = None
    tenant: TenantRef | None = None
    with suppress(Obstacle):
        tenant = tenant_of(found)
        with entered(tenant):
            attempts, message = _attempts(found), Message.objects.filter(id=found.message_id).defer("payload").first()
    (outlook,) = foresee_all([found])
    return LetterDetail(
        letter=found,
        tenant=tenant,
        attempts=attempts,
        occurred_at=message.occurred_at if message else None,
        causation_id=message.causation_id if message else None,
        prospect=None if isinstance(outlook, Blocked) else outlook.prospect,
        obstacle=outlook.obstacle.detail if isinstance(outlook, Blocked) else "",
        run_id=in_run.values_list("run_id", flat=True).first(),
    )


def _attempts(found: DeadLetter) -> tuple[Attempt, ...]:
    # By the correlation id, which is indexed; the other two tell this letter's errors from its kin's.
    errors = HandlerError.objects.filter(
        correlation_id=found.correlation_id, message_id=found.message_id, handler=found.handler
    ).order_by("happened_at")
    rows = errors.values("id", "delivery_id", "attempt", "error_class", "happened_at")[:_MOST_ATTEMPTS]
    return tuple(Attempt(**row) for row in rows)
