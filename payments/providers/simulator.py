"""The payment simulator's API (see `simulators/README.md`), which is in the style of the large card processors."""

from typing import Any
from urllib.parse import quote, urlencode

from messaging.errors import OutcomeUnknown, Retry
from payments.domain import Standing
from payments.providers.base import ChargeOrder, ProviderAnswer, ProviderRefused, RefundOrder
from wildrydes.kernel.http import OutboundNotSent, OutboundRefused, OutboundUnknown, Response, outbound_client

_MOST_RETRY_AFTER_S = 60.0
_STATUSES = {"succeeded": Standing.SUCCEEDED, "declined": Standing.DECLINED}


class SimulatorProvider:
    """One account at the simulator.

    Args:
        base_url: scheme, host and port.
        api_key: names the account; never logged.
        timeout: for a whole call, in seconds.
    """

    def __init__(self, *, base_url: str, api_key: str, timeout: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._timeout = timeout

    def charge(self, order: ChargeOrder) -> ProviderAnswer:
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
        Retry: load is shed, or a twin of the request is being worked on.
        OutcomeUnknown: the provider failed in the middle of it.
        ProviderRefused: the request is at fault.
    """
    if response.ok:
        return response
    if response.status in (409, 425, 429, 503):
        raise Retry(f"The payment provider answered {response.status}.", after=_retry_after(response))
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
    fits = row.get("amount") == order.amount_minor and row.get("charge") == order.charge_ref
    if row.get("status") != "succeeded" or not fits:
        raise OutcomeUnknown("The payment provider's refund is not the one that was asked for.")
    return ProviderAnswer(standing=Standing.SUCCEEDED, ref=_ref(row))


def _ref(row: dict[str, Any]) -> str:
    ref = row.get("id")
    if not isinstance(ref, str) or not 0 < len(ref) <= 100 or not ref.isprintable():
        raise OutcomeUnknown("The payment provider's answer has no usable id.")
    return ref


def _retry_after(response: Response) -> float | None:
    """Seconds the provider asked us to wait (RFC 9110, 10.2.3); the form as a date is not used by it."""
    given = response.headers.get("retry-after", "")
    return min(float(given), _MOST_RETRY_AFTER_S) if given.isascii() and given.isdigit() and len(given) < 10 else None
