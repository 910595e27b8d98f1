"""Strict reading of what clients send, with errors that say which field and why."""

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MAX_AMOUNT = 2**53  # the largest integer that every JSON reader keeps exact
MAX_BODY_BYTES = 256 * 1024


class Rejected(Exception):
    """The request is at fault; becomes a 4xx answer."""

    def __init__(self, status: int, kind: str, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.param = param

    def response(self) -> Response:
        """The answer a client gets: `{"error": {"type", "message", "param"}}`."""
        error = {"type": self.kind, "message": self.message, "param": self.param}
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else None
        return JSONResponse({"error": error}, status_code=self.status, headers=headers)


async def read_body(request: Request) -> bytes:
    """The whole body, up to `MAX_BODY_BYTES`.

    Raises:
        Rejected: 413, it is larger.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Rejected(413, "too_large", f"The body is larger than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def read_object(request: Request, body: bytes) -> dict[str, Any]:
    """The body as one JSON object: UTF-8, no key twice, no NaN, no NUL or lone surrogate in a string.

    Raises:
        Rejected: 415 for another content type, 400 for anything that is not such an object.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Rejected(415, "unsupported_media_type", "Send the body as Content-Type: application/json")
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_without_twins, parse_constant=_no_constant, parse_float=_finite
        )
        # Refuses lone surrogates, which no UTF-8 file could hold.
        clean = b"\0" not in json.dumps(value, ensure_ascii=False).encode() and "\\u0000" not in json.dumps(value)
    except (ValueError, RecursionError) as error:
        raise Rejected(400, "invalid_json", "The body is not valid JSON") from error
    if not clean or not isinstance(value, dict):
        raise Rejected(400, "invalid_json", "The body must be one JSON object without NUL characters")
    return value


def only(fields: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse unknown fields: a typing error must not pass for a setting.

    Raises:
        Rejected: 422.
    """
    for name in fields:
        if name not in known:
            raise Rejected(
                422, "unknown_field", f"Unknown field; known are {', '.join(sorted(known))}", param=name[:64]
            )


def integer(fields: Mapping[str, Any], name: str, *, least: int, most: int) -> int:
    """A required integer (not 1.0, not true) within bounds.

    Raises:
        Rejected: 422.
    """
    value = fields.get(name)
    if type(value) is not int or not least <= value <= most:
        raise Rejected(422, "invalid_field", f"Must be an integer from {least} to {most}", param=name)
    return value


def number(fields: Mapping[str, Any], name: str, *, least: float, most: float) -> float:
    """A required number within bounds.

    Raises:
        Rejected: 422.
    """
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Rejected(422, "invalid_field", f"Must be a number from {least:g} to {most:g}", param=name)
    return float(value)


def text(fields: Mapping[str, Any], name: str, pattern: str, *, hint: str) -> str:
    """A required string that matches a pattern as a whole.

    Raises:
        Rejected: 422.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise Rejected(422, "invalid_field", f"Must be {hint}", param=name)
    return value


def choice(fields: Mapping[str, Any], name: str, choices: Collection[str]) -> str:
    """A required string out of a few.

    Raises:
        Rejected: 422.
    """
    value = fields.get(name)
    if not isinstance(value, str) or value not in choices:
        raise Rejected(422, "invalid_field", f"Must be one of {', '.join(sorted(choices))}", param=name)
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def _no_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise ValueError("a number is out of range")
    return value
