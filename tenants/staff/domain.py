"""The rules of codes, pure: which are right, how they are written, how long to wait after wrong ones."""

import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from django_otp.oath import TOTP

STEP_SECONDS = 30
DIGITS = 6
# A phone's clock may be a step off.
TOLERANCE_STEPS = 1
RECOVERY_CODES = 10
FREE_FAILURES = 5
LONGEST_LOCK = timedelta(minutes=15)
_SECRET_BYTES = 20  # RFC 4226, 4: 160 bits are recommended
_RECOVERY_BYTES = 10


def new_secret() -> str:
    """A fresh secret, in the base32 that authenticator apps take."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def address_for(secret: str, *, account: str, issuer: str) -> str:
    """The `otpauth:` address that an app reads from the QR code."""
    values = {"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{quote(f'{issuer}:{account}')}?{urlencode(values, quote_via=quote)}"


def accepted_step(secret: str, code: str, *, now: datetime, after_step: int) -> int | None:
    """The time step whose code this is, if it is later than `after_step` and no further from now than a step; else None."""
    if len(code) != DIGITS or not code.isascii() or not code.isdigit():
        return None
    totp = TOTP(base64.b32decode(secret), step=STEP_SECONDS, digits=DIGITS)
    totp.time = now.timestamp()
    if not totp.verify(int(code), tolerance=TOLERANCE_STEPS, min_t=after_step + 1):
        return None
    return int(totp.t())


def new_recovery_code() -> str:
    """Eighty bits by chance, in four groups."""
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def recovery_hash(code: str) -> bytes:
    """What is stored of a recovery code; how it is grouped and in which case it is typed does not matter."""
    plain = "".join(character for character in code.upper() if character.isalnum())
    return hashlib.sha256(b"wildrydes recovery code\0" + plain.encode("utf-8", "replace")).digest()


def lock_after(failures: int) -> timedelta:
    """How long to wait after so many wrong codes in a row: not at all at first, then twice as long each time, up to a limit."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    return min(LONGEST_LOCK, timedelta(minutes=2 ** min(failures - FREE_FAILURES, 10)))
