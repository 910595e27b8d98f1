"""The HTTP client that Stripe's SDK is given: ours, with its time limits, address policy and record of calls."""

from collections.abc import Mapping
from typing import Any

import stripe

from messaging.errors import OutcomeUnknown, Retry
from wildrydes.kernel.http import OutboundNotSent, OutboundRefused, OutboundUnknown, outbound_client

_OWN = frozenset({"accept-encoding", "content-length", "host", "connection"})


class OurHTTPClient(stripe.HTTPClient):
    """One request, no retries: when to try again is decided by those who keep the books.

    `purpose` says in the record of calls what the next request is for.
    """

    name = "wildrydes"

    def __init__(self, *, timeout: float) -> None:
        """`timeout` is for a whole call, in seconds."""
        super().__init__()
        self._timeout = timeout
        self.purpose = ""

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **options: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """Send it; answers body, status and headers.

        Raises:
            Retry: it was not sent.
            OutcomeUnknown: it was, and no full answer came.
        """
        body = post_data.encode() if isinstance(post_data, str) else post_data
        kept = {name: value for name, value in (headers or {}).items() if name.lower() not in _OWN}
        try:
            response = outbound_client().request(
                method.upper(),
                url,
                headers=kept,
                body=body,
                total_timeout=self._timeout,
                purpose=self.purpose,
                show_path=True,
            )
        except (OutboundRefused, OutboundNotSent) as error:
            raise Retry(f"Stripe was not reached: {error}") from error
        except OutboundUnknown as error:
            raise OutcomeUnknown(f"Stripe did not answer: {error}") from error
        try:
            return response.body.decode(), response.status, {**response.headers}
        except UnicodeDecodeError as error:
            raise OutcomeUnknown("Stripe's answer cannot be read.") from error

    def close(self) -> None:
        """Connections are the shared client's."""
