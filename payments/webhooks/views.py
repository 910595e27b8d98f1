"""The address that payment providers notify.

Answers quickly: a genuine notification is kept and dispatched as a message, in one short transaction; looking into it is a
worker's. A provider repeats what it got no `2xx` for, so an error of ours costs nothing.
"""

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from api.errors import BodyTooLarge, MethodNotAllowed
from api.problems import domain_error, problem_response
from payments import metrics, services
from payments.accounts.directory import access_notified
from payments.providers import adapter_of
from tenants.registry.context import enter_tenant
from wildrydes.kernel.errors import NotFound

MAX_BODY_BYTES = 256 * 1024
"""Far above any event of the providers we know; larger ones are not read to their end."""


def notified(request: HttpRequest, provider: str, account_id: str) -> HttpResponse:
    """Take a notification: `200` whether it is new or a copy, `4xx` and nothing changed when it is not the provider's."""
    if request.method != "POST":
        response: HttpResponse = problem_response(request, MethodNotAllowed("Providers send POST."))
        response["Allow"] = "POST"
        return response
    try:
        outcome = _take(request, provider, account_id)
    except Exception as error:
        told = domain_error(error)
        if told is None:
            raise
        metrics.count_notification(provider, told.code)
        return problem_response(request, told)
    metrics.count_notification(provider, outcome)
    return JsonResponse({"received": True})


def _take(request: HttpRequest, provider: str, address: str) -> str:
    account_id = _id(address)
    tenant, access = access_notified(provider, account_id)
    body = _body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    notice = adapter_of(access.provider).read_notification(access, body, headers)
    with enter_tenant(tenant), transaction.atomic():
        is_new = services.receive_notification(account_id=account_id, notice=notice)
    return "new" if is_new else "copy"


def _id(address: str) -> UUID:
    try:
        return UUID(address)
    except ValueError:
        raise NotFound("No payment account is notified at this address.") from None


def _body(request: HttpRequest) -> bytes:
    """The raw body, which is what is signed.

    Raises:
        BodyTooLarge: it is longer than `MAX_BODY_BYTES`, whatever its head says.
    """
    body: bytes = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"A notification has at most {MAX_BODY_BYTES} bytes.")
    return body
