"""Reading the endpoint and what was pushed."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Coalesce, Now

from messaging.errors import Reject, Retry
from messaging.journal.models import HandlerError
from notifications.errors import NoEndpoint
from notifications.models import Endpoint, EndpointState, Push
from wildrydes.kernel.encryption import unseal

# The errors whose texts are about the endpoint, as the journal names them.
TELLING_ERRORS = frozenset(f"{error.__module__}.{error.__qualname__}" for error in (Retry, Reject))


@dataclass(frozen=True)
class Target:
    """Where to push, and the secrets to sign with, the present one first."""

    url: str
    secrets: tuple[str, ...]


def the_endpoint() -> Endpoint:
    """The company's endpoint.

    Raises:
        NoEndpoint: it has set none.
    """
    endpoint = Endpoint.objects.first()
    if endpoint is None:
        raise NoEndpoint("Set one with PUT /api/v1/webhook.")
    return endpoint


def push_target() -> Target | None:
    """Where pushes go now; None without an endpoint, or when it is disabled."""
    row = Endpoint.objects.exclude(state=EndpointState.DISABLED).annotate(db_now=Now()).first()
    if row is None:
        return None
    sealed = [row.secret_sealed]
    if row.previous_valid_until is not None and row.db_now < row.previous_valid_until:
        sealed.append(row.previous_secret_sealed)
    return Target(row.url, tuple(unseal(token, keys=settings.FIELD_ENCRYPTION_KEY) for token in sealed))


def pushes() -> QuerySet[Push]:
    """All pushes, in no order; `last_error` is what the latest failed attempt said, empty when none failed.

    Only what was said about the endpoint: the texts of mistakes of ours are not for the company's eyes.
    """
    errors = HandlerError.objects.filter(
        message_id=OuterRef("pk"), handler__startswith="notifications.", error_class__in=TELLING_ERRORS
    )
    latest = errors.order_by("-happened_at").values("text")[:1]
    return Push.objects.annotate(last_error=Coalesce(Subquery(latest), "failure", output_field=TextField()))
