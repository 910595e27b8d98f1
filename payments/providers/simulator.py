"""The payment simulator's API (see `simulators/README.md`), which is in the style of the large card processors.

It comes in both kinds: one account answers in the call, another takes a charge on with `202` and notifies us of its end.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from messaging.errors import OutcomeUnknown, Retry
from payments.domain import Standing
from payments.providers.base import (
    About,
    Access,
    Adapter,
    Answers,
    ChargeOrder,
    Notice,
    NotUnderstood,
    ProviderAnswer,
    ProviderBusy,
    ProviderRefused,
    RefundOrder,
    Remember,
)
from payments.providers.signatures import check_signature
from wildrydes.kernel import strict_json
from wildrydes.kernel.http import OutboundNotSent, OutboundRefused, OutboundUnknown, Response, outbound_client

_MOST_RETRY_AFTER_S = 60.0
_STATUSES = {
    "succeeded": Standing.SUCCEEDED,
    "declined": Standing.DECLINED,
    "processing": Standing.PROCESSING,
}


class SimulatorProvider:
    """One account at the simulator.

    Args:
        access: the account; its key names it, where none is set it is made from its name.
        answers: which of the two kinds is wanted.
    """

    def __init__(self, access: Access, *, answers: Answers = Answers.IN_CALL) -> None:
        self._base_url = access.base_url.rstrip("/")
        self._api_key = access.api_key or f"sk_sim_{access.name}"
        self._timeout = access.timeout
        self._answers = answers

    def charge(self, order: ChargeOrder, *, remember: Remember) -> ProviderAnswer:
        """Take money; see `PaymentProvider`."""
        body = {
            "amount": order.amount_minor,
            "currency": order.currency,
            "source": order.source,
            "reference": order.reference,
        }
        response = self._request("POST", "/v1/charges", "charge", json_body=body, idempotency_key=order.idempotency_key)
        if response.status == 422 and _error(response).get("param") == "source":
            return ProviderAnswer(standing=Standing.DECLINED, code="invalid_source")
        return _charge_answer(_object(_accepted(response)), order)

    def find_charge(self, order: ChargeOrder) -> ProviderAnswer | None:
        """Look a charge up; see `PaymentProvider`."""
        row = self._find("/v1/charges", "look up charge", order.idempotency_key)
        return None if row is None else _charge_answer(row, order)

    def refund(self, order: RefundOrder) -> ProviderAnswer:
        """Give money back; see `PaymentProvider`."""
        path = f"/v1/charges/{quote(order.charge_ref, safe='')}/refunds"
        body = {"amount": order.amount_minor, "reference": order.reference}
        response = self._request("POST", path, "refund", json_body=body, idempotency_key=order.idempotency_key)
        return _refund_answer(_object(_accepted(response)), order)

    def find_refund(self, order: RefundOrder) -> ProviderAnswer | None:
        """Look a refund up; see `PaymentProvider`."""
        row = self._find("/v1/refunds", "look up refund", order.idempotency_key)
        return None if row is None else _refund_answer(row, order)

    def subscribe(self, url: str, secret: str) -> None:
        """Say where the account's notifications go."""
        body = {"url": url, "secret": secret}
        _accepted(self._request("PUT", "/v1/webhook", "subscribe to notifications", json_body=body))

    def _find(self, path: str, purpose: str, idempotency_key: str) -> dict[str, Any] | None:
        query = urlencode({"idempotency_key": idempotency_key})
        response = _accepted(self._request("GET", f"{path}?{query}", purpose))
        rows = _object(response).get("data")
        if not isinstance(rows, list) or len(rows) > 1 or not all(isinstance(row, dict) for row in rows):
            raise OutcomeUnknown("The provider's answer to a look-up cannot be read.")
        return rows[0] if rows else None

    def _request(
        self, method: str, path: str, purpose: str, *, json_body: object = None, idempotency_key: str | None = None
    ) -> Response:
        headers = {"Authorization": f"Bearer {self._api_key}"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
            if self._answers is Answers.LATER:
                headers["Prefer"] = "respond-async"
        try:
            return outbound_client().request(
                method,
                self._base_url + path,
                headers=headers,
                json_body=json_body,
                total_timeout=self._timeout,
                purpose=purpose,
                show_path=True,
            )
        except (OutboundRefused, OutboundNotSent) as error:
            raise Retry(f"The payment provider was not reached: {error}") from error
        except OutboundUnknown as error:
            raise OutcomeUnknown(f"The payment provider did not answer: {error}") from error


def _accepted(response: Response) -> Response:
    """The response if it is a success.

    Raises:
        Retry: it says that it is away.
        ProviderBusy: load is shed, or a twin of the request is being worked on.
        OutcomeUnknown: the provider failed in the middle of it.
        ProviderRefused: the request is at fault.
    """
    if response.ok:
        return response
    if response.status in (409, 425, 429):
        raise ProviderBusy(f"The payment provider answered {response.status}.", after=_retry_after(response))
    if response.status == 503:
        raise Retry("The payment provider answered 503.", after=_retry_after(response))
    if response.status >= 500:
        raise OutcomeUnknown(f"The payment provider answered {response.status}.")
    code = str(_error(response).get("type", ""))[:60]
    raise ProviderRefused(f"The payment provider refused the request: {response.status} {code}".strip())


def _object(response: Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except OutboundUnknown as error:
        raise OutcomeUnknown(str(error)) from error
    if not isinstance(answer, dict):
        raise OutcomeUnknown("The payment provider's answer is not an object.")
    return answer


def _error(response: Response) -> dict[str, Any]:
    """The error object of an answer, for what it adds to the status; empty when there is none."""
    try:
        answer = response.json()
    except OutboundUnknown:
        return {}
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, dict) else {}


def _charge_answer(row: dict[str, Any], order: ChargeOrder) -> ProviderAnswer:
    """Read a charge; one that is not what was ordered is trusted in nothing."""
    standing = _STATUSES.get(str(row.get("status")))
    if standing is None or (row.get("amount"), row.get("currency")) != (order.amount_minor, order.currency):
        raise OutcomeUnknown("The payment provider's charge is not the one that was asked for.")
    return ProviderAnswer(standing=standing, ref=_ref(row), code=str(row.get("decline_code") or "")[:100])


def _refund_answer(row: dict[str, Any], order: RefundOrder) -> ProviderAnswer:
    fits = (row.get("amount"), row.get("currency"), row.get("charge")) == (
        order.amount_minor,
        order.currency,
        order.charge_ref,
    )
    standing = _STATUSES.get(str(row.get("status")))
    if standing is None or not fits:
        raise OutcomeUnknown("The payment provider's refund is not the one that was asked for.")
    return ProviderAnswer(standing=standing, ref=_ref(row))


def _ref(row: dict[str, Any]) -> str:
    ref = row.get("id")
    if not isinstance(ref, str) or not 0 < len(ref) <= 100 or not ref.isprintable():
        raise OutcomeUnknown("The payment provider's answer has no usable id.")
    return ref


def _retry_after(response: Response) -> float | None:
    """Seconds the provider asked us to wait (RFC 9110, 10.2.3); the form as a date is not used by it."""
    given = response.headers.get("retry-after", "")
    return min(float(given), _MOST_RETRY_AFTER_S) if given.isascii() and given.isdigit() and len(given) < 10 else None


def _read_notification(access: Access, body: bytes, headers: Mapping[str, str]) -> Notice:
    check_signature(body, headers.get("simulator-signature", ""), access.webhook_secrets)
    try:
        event = strict_json.loads(body)
        row = event["data"]["object"]
        return Notice(
            event_id=_short(event["id"]),
            type=_short(event["type"]),
            about={"charge": About.CHARGE, "refund": About.REFUND}.get(row["object"], About.OTHER),
            key=_short(row["idempotency_key"]),
        )
    except (strict_json.MalformedJSON, KeyError, TypeError) as error:
        raise NotUnderstood("The notification is not an event of this provider.") from error


def _short(text: object) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= 100 or not text.isprintable():
        raise TypeError("an id is a short text")
    return text


def _subscribe(access: Access, url: str) -> None:
    SimulatorProvider(access).subscribe(url, access.webhook_secrets[0])


def _default_url() -> str:
    return str(settings.PAYMENT_PROVIDER_URL)


IN_CALL = Adapter(
    code="simulator",
    title="Simulator, answers in the call",
    answers=Answers.IN_CALL,
    connect=SimulatorProvider,
    read_notification=_read_notification,
    needs_key=False,
    default_url=_default_url,
)
LATER = replace(
    IN_CALL,
    code="simulator_later",
    title="Simulator, answers later by a notification",
    answers=Answers.LATER,
    connect=lambda access: SimulatorProvider(access, answers=Answers.LATER),
    subscribe=_subscribe,
)
