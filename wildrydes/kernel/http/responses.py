"""The answer of an outside server: small, whole and frozen."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wildrydes.kernel.http.errors import OutboundUnknown

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP answer of any status.

    Attributes:
        status: 200 to 599.
        headers: by lower-case name; repeated ones joined with a comma.
        body: decompressed bytes.
        origin: who answered (the last hop), as scheme://host:port.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    origin: str

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as strict JSON (RFC 8259): UTF-8, no NaN or infinity, no key twice in an object.

        Raises:
            OutboundUnknown: it is not; something was answered, but nobody can say what.
        """
        try:
            return json.loads(
                self.body.decode(), object_pairs_hook=_without_twins, parse_constant=_refuse, parse_float=_finite
            )
        except (ValueError, RecursionError) as error:
            raise OutboundUnknown(
                f"{self.origin} answered {self.status} without valid JSON", status=self.status
            ) from error


def decoded(body: bytes, encoding: str, *, limit: int) -> bytes:
    """Undo `Content-Encoding`, never producing more than `limit` bytes (a kilobyte can expand to a megabyte).

    Raises:
        ValueError: larger than that, damaged, or in a coding that was not asked for.
    """
    coding = encoding.strip().lower()
    if coding in ("", "identity") or not body:
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError("the answer is in a coding that was not asked for")
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise ValueError("the answer's compression is damaged") from error
    if len(plain) > limit:
        raise ValueError("the answer is larger than allowed")
    if not inflater.eof:
        raise ValueError("the answer's compression breaks off")
    return plain


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number
