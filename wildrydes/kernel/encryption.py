"""Secrets at rest: JWE (RFC 7516), direct encryption with A256GCM under `FIELD_ENCRYPTION_KEY`.

Used for private signing keys and webhook secrets in the database. The key comes from the environment, so that a copy of the
database alone gives nothing away. Several keys may be given, separated by commas: the first encrypts, all decrypt, which is
how the key is rotated.
"""

import base64
import hashlib
from functools import lru_cache

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from wildrydes.kernel.errors import ConfigurationError

_ALGORITHMS = ["dir", "A256GCM"]


class SealBroken(Exception):
    """The ciphertext was not made with any of our keys, or was changed."""


@lru_cache(maxsize=8)
def _keys(configured: str) -> tuple[OctKey, ...]:
    keys = []
    for text in filter(None, (part.strip() for part in configured.split(","))):
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if len(raw) != 32:
            raise ConfigurationError("FIELD_ENCRYPTION_KEY must be 32 bytes in base64url; `make up` generates one.")
        keys.append(OctKey.import_key(raw, {"kid": hashlib.sha256(raw).hexdigest()[:12]}))
    if not keys:
        raise ConfigurationError(
            "FIELD_ENCRYPTION_KEY is not set; `make up` generates one, servers take it from the environment."
        )
    return tuple(keys)


def seal(plaintext: str, *, keys: str) -> str:
    """Encrypt `plaintext` with the first of the comma-separated base64url `keys`; answers a compact JWE."""
    key = _keys(keys)[0]
    header = {"alg": "dir", "enc": "A256GCM", "kid": key.kid}
    return jwe.encrypt_compact(header, plaintext.encode(), key, algorithms=_ALGORITHMS)


def unseal(token: str, *, keys: str) -> str:
    """Decrypt what `seal` made.

    Raises:
        SealBroken: when no key fits or the text was tampered with.
    """
    for key in _keys(keys):
        try:
            plaintext = jwe.decrypt_compact(token, key, algorithms=_ALGORITHMS).plaintext
        except (JoseError, ValueError):
            continue
        if plaintext is not None:
            return plaintext.decode()
    raise SealBroken(
        "The value cannot be decrypted with FIELD_ENCRYPTION_KEY: was the key changed without keeping the old one?"
    )
