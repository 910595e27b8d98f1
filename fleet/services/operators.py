"""Where an operator wants to be told of requests. Each function runs in the caller's transaction."""

from uuid import UUID

from django.conf import settings

from fleet.models import Operator
from wildrydes.kernel.encryption import seal
from wildrydes.kernel.webhooks import new_secret


def set_webhook(*, operator_id: UUID, url: str) -> str:
    """Push to `url`, which the caller has checked, from now on; answers the new secret that pushes are signed with."""
    secret = new_secret()
    sealed = seal(secret, keys=settings.FIELD_ENCRYPTION_KEY)
    Operator.objects.filter(id=operator_id).update(webhook_url=url, webhook_secret_sealed=sealed)
    return secret


def remove_webhook(*, operator_id: UUID) -> None:
    """Push nothing any more."""
    Operator.objects.filter(id=operator_id).update(webhook_url="", webhook_secret_sealed="")
