"""Signatures of notifications: Stripe's scheme, which others use too, checked by Stripe's own library.

The header is `t=<Unix time>,v1=<HMAC-SHA256 in hex of "t.body">`, with several `v1` while a secret is being rotated; the body
is what came over the wire, byte for byte.
"""

import stripe

from payments.providers.base import NotGenuine

TOLERANCE_SECONDS = 300
"""How old a notification may be: what is recorded and sent again later is refused, clocks may differ a little."""


def check_signature(body: bytes, header: str, secrets: tuple[str, ...]) -> None:
    """Refuse a body that none of the account's secrets has signed within the last minutes. Compared in constant time.

    Raises:
        NotGenuine: for whatever reason; which, is not told.
    """
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, ValueError, TypeError):
            continue  # not UTF-8, not ASCII, or simply not signed
        return
    raise NotGenuine("The notification is not signed with this account's secret, or it is older than five minutes.")
