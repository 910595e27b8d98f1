"""Setting the endpoint, and recording what became of pushes. Every function runs in the caller's transaction."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from notifications.domain import SECRET_OVERLAP
from notifications.errors import NoEndpoint
from notifications.models import Endpoint, EndpointState, Push, PushState
from wildrydes.kernel.encryption import seal
from wildrydes.kernel.webhooks import new_secret


@dataclass(frozen=True)
class Configured:
    """The endpoint, and its secret when that is new: it is shown this once."""

    endpoint: Endpoint
    secret: str | None


def set_endpoint(*, url: str) -> Configured:
    """Push to `url` from now on. The first time a secret is made; later it stays. A disabled endpoint is tried again."""
    endpoint = Endpoint.objects.select_for_update().first()
    if endpoint is None:
        secret = new_secret()
        sealed = _sealed(secret)
        # A twin that was quicker keeps its secret, and we go on as for a change. Sealing the same text twice differs.
        Endpoint.objects.bulk_create([Endpoint(url=url, secret_sealed=sealed)], ignore_conflicts=True)
        endpoint = Endpoint.objects.select_for_update().get()
        if endpoint.secret_sealed == sealed:
            return Configured(endpoint, secret)
    endpoint.url = url
    _mark(endpoint, EndpointState.ACTIVE)
    endpoint.save(update_fields=["url"])
    return Configured(endpoint, None)


def rotate_secret() -> Configured:
    """A new secret; the old one signs along for a day.

    Raises:
        NoEndpoint: when none is set.
    """
    endpoint = Endpoint.objects.select_for_update().first()
    if endpoint is None:
        raise NoEndpoint("Set one first with PUT /api/v1/webhook.")
    secret = new_secret()
    endpoint.previous_secret_sealed = endpoint.secret_sealed
    endpoint.previous_valid_until = Now() + SECRET_OVERLAP
    endpoint.secret_sealed = _sealed(secret)
    endpoint.save(update_fields=["secret_sealed", "previous_secret_sealed", "previous_valid_until"])
    endpoint.refresh_from_db()
    return Configured(endpoint, secret)


def remove_endpoint() -> None:
    """Push nothing any more; what is being tried ends at its next attempt."""
    Endpoint.objects.all().delete()


def begin_push(*, message_id: UUID, message_type: str, booking_id: UUID) -> bool:
    """Record an attempt; answers whether there is anything to push."""
    Push.objects.bulk_create([Push(id=message_id, type=message_type, booking_id=booking_id)], ignore_conflicts=True)
    push = Push.objects.select_for_update().get(id=message_id)
    if push.state == PushState.DELIVERED:
        return False
    push.attempts += 1
    push.state = PushState.PENDING
    push.failure = ""
    push.save(update_fields=["attempts", "state", "failure"])
    return True


def push_answered(*, message_id: UUID, status: int) -> None:
    """The endpoint took it (2xx), or said that it is gone for good (410)."""
    gone = status == 410
    Push.objects.filter(id=message_id).update(
        state=PushState.FAILED if gone else PushState.DELIVERED,
        response_status=status,
        failure="The endpoint answered 410 Gone and was disabled." if gone else "",
        ended_at=Now(),
    )
    _mark_current(EndpointState.DISABLED if gone else EndpointState.ACTIVE)


def give_up_push(*, message_id: UUID, why: str) -> None:
    """The message is dead-lettered; the endpoint is shown as failing."""
    Push.objects.filter(id=message_id, state=PushState.PENDING).update(
        state=PushState.FAILED, failure=why[:300], ended_at=Now()
    )
    _mark_current(EndpointState.FAILING)


def _mark_current(state: EndpointState) -> None:
    endpoint = Endpoint.objects.exclude(state=state).select_for_update(no_key=True).first()
    if endpoint is not None and not (state is EndpointState.FAILING and endpoint.state == EndpointState.DISABLED):
        _mark(endpoint, state)


def _mark(endpoint: Endpoint, state: EndpointState) -> None:
    if endpoint.state != state:
        Endpoint.objects.filter(id=endpoint.id).update(state=state, state_since=Now())
        endpoint.refresh_from_db(fields=["state", "state_since"])


def _sealed(secret: str) -> str:
    return seal(secret, keys=settings.FIELD_ENCRYPTION_KEY)
