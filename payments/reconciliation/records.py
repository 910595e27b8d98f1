"""Reading a provider's whole record of a period, page by page. Nothing but reading."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from messaging.errors import OutcomeUnknown, Retry
from payments.accounts.directory import access_in_use, access_of
from payments.models import Charge
from payments.providers.base import Access
from payments.reconciliation.models import MovementKind
from payments.reconciliation.reading import Page, Record, Row, UnableToRead
from payments.reconciliation.stripe_record import StripeRecord
from tenants.registry.context import current_tenant
from wildrydes.kernel.errors import ConfigurationError
from wildrydes.kernel.http import OutboundNotSent, OutboundRefused, OutboundUnknown, Response, outbound_client

__all__ = ["PAGE", "RECORDS", "Page", "Record", "Row", "UnableToRead", "access_to", "accounts_of_tenant", "record_of"]

PAGE = 500


class SimulatorRecord:
    """The simulator's `GET /v1/movements`."""

    def __init__(self, access: Access) -> None:
        self._base_url = access.base_url.rstrip("/")
        self._api_key = access.api_key or f"sk_sim_{access.name}"
        self._timeout = access.timeout

    def page(self, *, start: datetime, end: datetime, cursor: str) -> Page:
        """See `Record`."""
        asked = {"from": _text(start), "to": _text(end), "limit": str(PAGE), **({"after": cursor} if cursor else {})}
        answer = _json(self._get(f"/v1/movements?{urlencode(asked)}"))
        rows, after = answer.get("data"), answer.get("next") or ""
        if not isinstance(rows, list) or not isinstance(after, str) or len(after) > 200:
            raise UnableToRead("The provider's record is not a list of movements.")
        return Page(rows=tuple(_row(row) for row in rows), next_cursor=after)

    def _get(self, path: str) -> Response:
        try:
            response = outbound_client().request(
                "GET",
                self._base_url + path,
                headers={"Authorization": f"Bearer {self._api_key}"},
                total_timeout=self._timeout,
                purpose="read record",
                show_path=True,
            )
        except (OutboundRefused, OutboundNotSent, OutboundUnknown) as error:
            raise Retry(f"The payment provider's record was not read: {error}") from error
        if response.ok:
            return response
        if response.status >= 500 or response.status in (409, 425, 429):
            raise Retry(f"The payment provider answered {response.status}.")
        raise UnableToRead(f"The payment provider refused to show its record: {response.status}.")


RECORDS: dict[str, Callable[[Access], Record]] = {
    "simulator": SimulatorRecord,
    "simulator_later": SimulatorRecord,
    "stripe": StripeRecord,
}
"""How each provider's record is read, by the code of its adapter."""


def record_of(access: Access) -> Record:
    """The account's record.

    Raises:
        ConfigurationError: nobody has said where this provider answers.
        UnableToRead: its record cannot be read by us.
    """
    if access.provider not in RECORDS:
        raise UnableToRead(f"How the record of {access.provider} is read is not known.")
    if not access.base_url:
        raise ConfigurationError("PAYMENT_PROVIDER_URL is not set: say where the payment provider answers.")
    return RECORDS[access.provider](access)


def accounts_of_tenant() -> list[UUID | None]:
    """The accounts that the present tenant ever charged through, and the one in use; None is the built-in one."""
    used = set(Charge.objects.exclude(provider="").values_list("account_id", flat=True).distinct())
    used.add(access_in_use(current_tenant()).account_id)
    return sorted(used, key=str)


def access_to(account_id: UUID | None) -> Access:
    """How the present tenant's account is reached."""
    return access_of(current_tenant(), account_id)


def _json(response: Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except (OutboundUnknown, OutcomeUnknown) as error:
        raise UnableToRead("The provider's record is not JSON.") from error
    if not isinstance(answer, dict):
        raise UnableToRead("The provider's record is not an object.")
    return answer


def _row(row: Any) -> Row:
    """Read one movement strictly: what cannot be read must not pass for nothing.

    Raises:
        UnableToRead: it is not what the provider documents.
    """
    try:
        amount = row["amount"]
        read = Row(
            provider_ref=_short(row["id"], 100),
            kind=MovementKind(row["object"]),
            succeeded=row["status"] == "succeeded",
            amount_minor=amount,
            currency=_short(row["currency"], 3),
            charge_ref=_short(row.get("charge") or "", 100),
            reference=_short(row.get("reference") or "", 200),
            key=_short(row.get("idempotency_key") or "", 255),
            moved_at=_time(row.get("settled") or row["created"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnableToRead("A movement in the provider's record cannot be read.") from error
    if type(amount) is not int or amount <= 0 or not read.provider_ref:
        raise UnableToRead("A movement in the provider's record has no amount or no id.")
    return read


def _short(text: Any, most: int) -> str:
    if not isinstance(text, str) or len(text) > most or not (text.isprintable() or not text):
        raise ValueError("not a text that can be kept")
    return text


def _time(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its offset")
    return moment.astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
