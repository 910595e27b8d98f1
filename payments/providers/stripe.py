"""Stripe, through its official SDK. docs/decisions/stripe.md says why it is used in just this way.

A charge is a PaymentIntent: made unconfirmed, which takes nothing; its id committed; then confirmed. An intent takes money once
at most, so whoever confirms it again changes nothing, and an intent whose id was never committed was never confirmed.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe

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
from payments.providers.stripe_http import OurHTTPClient
from wildrydes.kernel import strict_json

# The SDK tells of every request, with parts of what was sent.
logging.getLogger("stripe").setLevel(logging.ERROR)
stripe.enable_telemetry = False

COMPANY_SOURCE = "tok_company"
"""What the product calls the company's card on file; the account says what Stripe calls it."""
KEY, REFERENCE = "wildrydes_key", "wildrydes_booking"
"""What of ours stands in the metadata of everything that we make there."""
_MOST_KEYS = 3
_BUSY = frozenset({"lock_timeout", "idempotency_key_in_use", "rate_limit"})
_MOST_RETRY_AFTER_S = 60.0
_REFUND_STANDINGS = {
    "succeeded": Standing.SUCCEEDED,
    "pending": Standing.PROCESSING,
    "requires_action": Standing.PROCESSING,
    "failed": Standing.DECLINED,
    "canceled": Standing.DECLINED,
}


Row = dict[str, Any]


class StripeProvider:
    """One account at Stripe."""

    def __init__(self, access: Access) -> None:
        self._access = access
        client, self._http = client_of(access)
        self._intents = client.v1.payment_intents
        self._refunds = client.v1.refunds

    def charge(self, order: ChargeOrder, *, remember: Remember) -> ProviderAnswer:
        """Take money; see `PaymentProvider`."""
        intent = self._retrieve(order.ref) if order.ref else self._create(order)
        if isinstance(intent, ProviderAnswer):
            return intent
        _check_intent(intent, order)
        if not order.ref:
            remember(_ref(intent))
        if intent.get("status") == "requires_confirmation":
            intent = self._confirm(_ref(intent))
        return _charge_answer(intent)

    def find_charge(self, order: ChargeOrder) -> ProviderAnswer | None:
        """Look a charge up, by its id; without one nothing was confirmed. See `PaymentProvider`."""
        intent = self._retrieve(order.ref) if order.ref else self._search(order)
        if intent is None:
            return None
        _check_intent(intent, order)
        return None if intent.get("status") == "requires_confirmation" else _charge_answer(intent)

    def refund(self, order: RefundOrder) -> ProviderAnswer:
        """Give money back; see `PaymentProvider`."""
        params: Any = {
            "payment_intent": order.charge_ref,
            "amount": order.amount_minor,
            "metadata": {KEY: order.idempotency_key, REFERENCE: order.reference},
        }
        for key in _keys(order.idempotency_key):
            try:
                with asking(self._http, "refund"):
                    made = self._refunds.create(params, options={"idempotency_key": key}).to_dict()
                return _refund_answer(made, order)
            except _StaleFailure:
                found = self.find_refund(order)
                if found is not None:
                    return found
        raise OutcomeUnknown("Stripe goes on repeating a failure of its own for our keys.")

    def find_refund(self, order: RefundOrder) -> ProviderAnswer | None:
        """Look a refund up among those of its charge; see `PaymentProvider`."""
        with asking(self._http, "look up refund"):
            listed = self._refunds.list({"payment_intent": order.charge_ref, "limit": 100}).to_dict()
            ours = [row for row in listed["data"] if _key_of(row) == order.idempotency_key]
        if len(ours) > 1:
            raise ProviderRefused("Stripe has two refunds with one key of ours; compare its page with the booking.")
        return _refund_answer(ours[0], order) if ours else None

    def _create(self, order: ChargeOrder) -> Row | ProviderAnswer:
        params: Any = {
            "amount": order.amount_minor,
            "currency": order.currency.lower(),
            "payment_method_types": ["card"],
            "metadata": {KEY: order.idempotency_key, REFERENCE: order.reference},
            **self._source(order.source),
        }
        # A failure of Stripe's own is kept under the key and repeated; another key is harmless, as nothing is taken here.
        for key in _keys(order.idempotency_key):
            try:
                with asking(self._http, "create intent"):
                    return self._intents.create(params, options={"idempotency_key": key}).to_dict()
            except _StaleFailure:
                continue
            except _NoSuchSource:
                return ProviderAnswer(standing=Standing.DECLINED, code="invalid_source")
            except _Declined as error:
                return ProviderAnswer(standing=Standing.DECLINED, code=str(error))
        raise OutcomeUnknown("Stripe goes on repeating a failure of its own for our keys.")

    def _confirm(self, ref: str) -> Row:
        params: Any = {"off_session": True, "error_on_requires_action": True}
        try:
            with asking(self._http, "confirm intent"):
                return self._intents.confirm(ref, params).to_dict()
        except ProviderRefused:
            # Declined, or a twin was quicker: how the intent stands says more than the refusal.
            found = self._retrieve(ref)
            if found.get("status") == "requires_confirmation":
                raise
            return found

    def _retrieve(self, ref: str) -> Row:
        with asking(self._http, "look up intent"):
            return self._intents.retrieve(ref).to_dict()

    def _search(self, order: ChargeOrder) -> Row | None:
        with asking(self._http, "search intent"):
            found = self._intents.search({"query": f"metadata['{KEY}']:'{order.idempotency_key}'"}).to_dict()["data"]
            confirmed = [row for row in found if row.get("status") not in ("requires_confirmation", "canceled")]
        if len(confirmed) > 1:
            raise ProviderRefused("Stripe has two charges with one key of ours; compare its page with the booking.")
        return confirmed[0] if confirmed else None

    def _source(self, source: str) -> dict[str, Any]:
        token = self._access.company_source if source == COMPANY_SOURCE else source
        if not token:
            raise ProviderRefused("The account has no card on file: set the company's payment method in the console.")
        customer = {"customer": self._access.customer} if self._access.customer else {}
        if token.startswith("tok_"):
            return {"payment_method_data": {"type": "card", "card": {"token": token}}, **customer}
        return {"payment_method": token, **customer}


def client_of(access: Access) -> tuple[stripe.StripeClient, OurHTTPClient]:
    """The SDK's client for an account, and ours in it."""
    http = OurHTTPClient(timeout=access.timeout)
    client = stripe.StripeClient(
        access.api_key, base_addresses={"api": access.base_url.rstrip("/")}, http_client=http, max_network_retries=0
    )
    return client, http


@contextmanager
def asking(http: OurHTTPClient, purpose: str) -> Iterator[None]:
    """Translate what the SDK raises into what the contract knows; `purpose` says what is asked for."""
    http.purpose = purpose
    try:
        yield
    except stripe.CardError as error:
        raise _Declined(str(error.code or "card_declined")[:100]) from error
    except stripe.StripeError as error:
        raise _translated(error) from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise OutcomeUnknown("Stripe's answer cannot be read.") from error


class _Declined(ProviderRefused):
    """The card was declined, with Stripe's code for why."""


class _StaleFailure(OutcomeUnknown):
    """Stripe repeats an earlier failure of its own, kept under the key; the first request has ended."""


class _NoSuchSource(ProviderRefused):
    """The card's token is unknown to Stripe."""


def _translated(error: stripe.StripeError) -> Exception:
    """What a failure means here. Of the text only the code goes on: messages repeat what was sent."""
    status, code = error.http_status, str(error.code or "")
    if isinstance(error, stripe.RateLimitError) or status == 409 or code in _BUSY:
        return ProviderBusy(f"Stripe sheds load ({code or status}).", after=_retry_after(error))
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return ProviderRefused("Stripe does not accept the account's secret key: set a valid one in the console.")
    if isinstance(error, stripe.IdempotencyError):
        return ProviderRefused("Stripe has seen our key with other amounts: nothing was done; compare its page.")
    if isinstance(error, stripe.InvalidRequestError):
        param = str(error.param or "")
        if code == "resource_missing" and "payment_method" in param:
            return _NoSuchSource("Stripe does not know the card's token.")
        if code == "resource_missing":
            return ProviderRefused("Stripe does not know this charge: is the key of the account it was made with?")
        return ProviderRefused(f"Stripe refused the request: {code or status} {param}".strip()[:120])
    if status == 503:
        return Retry("Stripe answered 503.", after=_retry_after(error))
    if status is not None and (error.headers or {}).get("idempotent-replayed") == "true":
        return _StaleFailure("Stripe repeats an earlier failure of its own.")
    return OutcomeUnknown(f"Stripe answered {status or 'nothing that can be read'}.")


def _check_intent(intent: Row, order: ChargeOrder) -> None:
    """An intent that is not what was ordered is trusted in nothing."""
    theirs = (intent.get("amount"), intent.get("currency"), _key_of(intent))
    if theirs != (order.amount_minor, order.currency.lower(), order.idempotency_key):
        raise OutcomeUnknown("Stripe's charge is not the one that was asked for.")


def _charge_answer(intent: Row) -> ProviderAnswer:
    status, ref = str(intent.get("status")), _ref(intent)
    if status == "succeeded" and intent.get("amount_received") == intent.get("amount"):
        return ProviderAnswer(standing=Standing.SUCCEEDED, ref=ref)
    if status == "processing":
        return ProviderAnswer(standing=Standing.PROCESSING, ref=ref)
    if status in ("requires_payment_method", "requires_action", "canceled"):
        error = intent.get("last_payment_error")
        told = error if isinstance(error, dict) else {}
        code = told.get("decline_code") or told.get("code") or status
        return ProviderAnswer(standing=Standing.DECLINED, ref=ref, code=str(code)[:100])
    raise OutcomeUnknown("Stripe's charge stands where we know of nothing.")


def _refund_answer(refund: Row, order: RefundOrder) -> ProviderAnswer:
    standing = _REFUND_STANDINGS.get(str(refund.get("status")))
    theirs = (refund.get("amount"), refund.get("currency"), refund.get("payment_intent"))
    if standing is None or theirs != (order.amount_minor, order.currency.lower(), order.charge_ref):
        raise OutcomeUnknown("Stripe's refund is not the one that was asked for.")
    return ProviderAnswer(standing=standing, ref=_ref(refund), code=str(refund.get("failure_reason") or "")[:100])


def _ref(row: Row) -> str:
    ref = row.get("id")
    if not isinstance(ref, str) or not 0 < len(ref) <= 100 or not ref.isprintable():
        raise OutcomeUnknown("Stripe's answer has no usable id.")
    return ref


def _key_of(row: Row) -> str:
    metadata = row.get("metadata")
    return str(metadata.get(KEY, "")) if isinstance(metadata, dict) else ""


def _keys(key: str) -> list[str]:
    return [key, *(f"{key}-{number}" for number in range(2, _MOST_KEYS + 1))]


def _retry_after(error: stripe.StripeError) -> float | None:
    given = str((error.headers or {}).get("retry-after", ""))
    return min(float(given), _MOST_RETRY_AFTER_S) if given.isascii() and given.isdigit() and len(given) < 10 else None


def _read_notification(access: Access, body: bytes, headers: Mapping[str, str]) -> Notice:
    check_signature(body, headers.get("stripe-signature", ""), access.webhook_secrets)
    try:
        event = strict_json.loads(body, max_bytes=len(body))
        row = event["data"]["object"]
        key = _key_of(row)
        about = {"payment_intent": About.CHARGE, "refund": About.REFUND}.get(str(row["object"]), About.OTHER)
        return Notice(
            event_id=_ref(event),
            type=str(event["type"])[:100],
            about=about if 0 < len(key) <= 100 else About.OTHER,
            key=key[:100],
        )
    except (strict_json.MalformedJSON, KeyError, TypeError, AttributeError, OutcomeUnknown) as error:
        raise NotUnderstood("The notification is not an event of Stripe.") from error


ADAPTER = Adapter(
    code="stripe",
    title="Stripe",
    answers=Answers.IN_CALL,
    connect=StripeProvider,
    read_notification=_read_notification,
    default_url=lambda: stripe.DEFAULT_API_BASE,
)
