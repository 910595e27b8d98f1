"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again does nothing again.

The key's row is inserted in the transaction that does the work, so the two commit or vanish together; a twin that arrives
meanwhile waits on the unique index and then gets the first one's answer.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import IdempotencyKeyRequired, IdempotencyKeyReused, InvalidHeader, RequestInProgress
from api.models import IdempotencyKey
from api.principal import principal_of
from messaging.services import together
from wildrydes.kernel.errors import DomainError

# Keys are kept longer than the 24 hours that are promised.
KEPT_FOR = timedelta(hours=36)
# How long a twin waits for the first request before it is told to come back, in milliseconds.
_TWIN_WAIT_MS = 3_000
_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")
_STORED_HEADERS = ("Location", "Retry-After")

_CLAIM = """
    INSERT INTO api_idempotencykey (user_id, key, fingerprint, headers, body)
    SELECT %s, %s, %s, '{}', '' FROM set_config('lock_timeout', %s, true)
    ON CONFLICT DO NOTHING
"""


def idempotent(request: Request, work: Callable[[], Response]) -> HttpResponseBase:
    """Do `work` once per key, caller and tenant; a second request with the key gets the first one's answer, byte for byte.

    `work` runs inside a transaction that also holds the key: everything it does must be in the database. Only successes are
    stored; when it raises or answers an error, the key is free again.

    Raises:
        IdempotencyKeyRequired, InvalidHeader: the header is missing or malformed.
        IdempotencyKeyReused: the key was used for another request.
        RequestInProgress: the first request takes long; come back for its answer.
        QuotaExceeded: and this is not a replay.
    """
    key = key_of(request)
    fingerprint = _fingerprint(request)
    refused: DomainError | None = getattr(request, "quota_error", None)
    if refused is not None:
        stored = _stored(request, key)
        if stored is None:
            raise refused
        return _replay(stored, fingerprint)
    with transaction.atomic():
        if _claim(request, key, fingerprint):
            with together():
                response = work()
            if response.status_code < 400:
                _store(request, key, response)
            else:
                transaction.set_rollback(True)
            return response
    stored = _stored(request, key)
    if stored is None:
        raise RequestInProgress("The first request with this key has just been refused. Send it again.", retry_after=1)
    return _replay(stored, fingerprint)


def key_of(request: Request) -> str:
    """The request's key.

    Raises:
        IdempotencyKeyRequired: there is none.
        InvalidHeader: it is too long or has other characters than visible ASCII.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise IdempotencyKeyRequired(
            "Send a header such as `Idempotency-Key: 8e03978e-40d5-43e8-bc93-6894a57f9324`: a new UUID for each booking, "
            "the same one when you send the request again."
        )
    if not _KEY.match(key):
        raise InvalidHeader("Idempotency-Key has 1 to 200 visible ASCII characters; a UUID is best.")
    return key


def _fingerprint(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()


def _claim(request: Request, key: str, fingerprint: str) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, [principal_of(request).user_id, key, fingerprint, str(_TWIN_WAIT_MS)])
            return bool(cursor.rowcount == 1)
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise RequestInProgress("Send it again for its answer.", retry_after=1) from None
        raise


def _store(request: Request, key: str, response: Response) -> None:
    headers = {name: response[name] for name in _STORED_HEADERS if response.has_header(name)}
    body = JSONRenderer().render(response.data).decode()
    IdempotencyKey.objects.filter(user_id=principal_of(request).user_id, key=key).update(
        status=response.status_code, headers=headers, body=body
    )


def _stored(request: Request, key: str) -> IdempotencyKey | None:
    return IdempotencyKey.objects.filter(user_id=principal_of(request).user_id, key=key).first()


def _replay(stored: IdempotencyKey, fingerprint: str) -> HttpResponse:
    if stored.fingerprint != fingerprint:
        raise IdempotencyKeyReused("Use a new key for a new request; the same key only to send the same request again.")
    headers: dict[str, Any] = {**stored.headers, "Idempotent-Replayed": "true", "Cache-Control": "no-store"}
    return HttpResponse(stored.body, status=stored.status, content_type="application/json", headers=headers)


def forget_old_keys(*, batch: int = 1_000) -> int:
    """Delete a batch of the entered tenant's keys that are older than `KEPT_FOR`; answers how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=Now() - KEPT_FOR).order_by("created_at")[:batch]
    keys = [row.pk for row in old.only("user_id", "key")]
    deleted: int = IdempotencyKey.objects.filter(pk__in=keys).delete()[0] if keys else 0
    return deleted
