"""JSON as strangers send it, read without surprises.

Python's own reader accepts NaN, repeated names, numbers of any length, UTF-16, and nesting that exhausts the stack; PostgreSQL's
`jsonb` then refuses NUL and lone surrogates. Here all of that is refused in one place, with a JSON pointer (RFC 6901) to it.
The rules are those of I-JSON (RFC 7493) with limits on size and depth.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

MAX_BYTES = 65_536
MAX_DEPTH = 32
# What a signed 64-bit column holds; the fields' own limits are tighter.
_MAX_INTEGER = 2**63 - 1
_MAX_NUMBER_LENGTH = 40
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
# A string runs to its closing quote or to the end; the possessive quantifier keeps this linear on hostile input.
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class MalformedJSON(ValueError):
    """The text is not JSON as we take it; `pointer` is where (empty: the whole text)."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class _Repeated(dict[str, Any]):
    """An object in which a name occurred twice; found again when the tree is walked, where its pointer is known."""

    name = ""


def loads(text: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Read one JSON text in UTF-8.

    Args:
        text: what came over the wire.
        max_bytes: longer texts are refused unread.
        max_depth: how deeply arrays and objects may nest.

    Raises:
        MalformedJSON: for whatever is wrong, with a sentence that says what and a pointer where.
    """
    if len(text) > max_bytes:
        raise MalformedJSON(f"The text is longer than {max_bytes} bytes.")
    if text.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise MalformedJSON("The text starts with a byte order mark; send plain UTF-8.")
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJSON(f"The text is not UTF-8 (byte {error.start}).") from None
    _check_depth(text, max_depth)
    try:
        value = json.loads(
            decoded, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_number
        )
    except json.JSONDecodeError as error:
        raise MalformedJSON(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    _check_values(value)
    return value


def _check_depth(text: bytes, max_depth: int) -> None:
    if text.count(b"[") + text.count(b"{") <= max_depth:
        return
    depth = 0
    for match in _STRUCTURE.finditer(text):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            if depth > max_depth:
                raise MalformedJSON(f"Arrays and objects nest more than {max_depth} deep.")
        elif token in (b"]", b"}"):
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    seen: set[str] = set()
    repeated = _Repeated(value)
    for name, _ in pairs:
        if name in seen:
            repeated.name = name
            break
        seen.add(name)
    return repeated


def _constant(text: str) -> NoReturn:
    raise MalformedJSON(f"{text} is not a JSON value.")


def _integer(text: str) -> int:
    if len(text) > _MAX_NUMBER_LENGTH or not -_MAX_INTEGER <= (value := int(text)) <= _MAX_INTEGER:
        raise MalformedJSON("An integer is out of range.")
    return value


def _number(text: str) -> float:
    if len(text) > _MAX_NUMBER_LENGTH or not math.isfinite(value := float(text)):
        raise MalformedJSON("A number is out of range.")
    return value


def _check_values(value: Any) -> None:
    pending: list[tuple[str, Any]] = [("", value)]
    while pending:
        pointer, item = pending.pop()
        if isinstance(item, str):
            if _UNUSABLE.search(item):
                raise MalformedJSON("A string holds U+0000 or half of a surrogate pair.", pointer)
        elif isinstance(item, list):
            pending.extend((f"{pointer}/{index}", child) for index, child in enumerate(item))
        elif isinstance(item, dict):
            pending.extend(_members(pointer, item))


def _members(pointer: str, item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, child in item.items():
        if _UNUSABLE.search(name):
            raise MalformedJSON("A name holds U+0000 or half of a surrogate pair.", pointer)
        yield pointer_to(pointer, name), child
    if isinstance(item, _Repeated):
        raise MalformedJSON("A name occurs twice in one object.", pointer_to(pointer, item.name))


def pointer_to(parent: str, name: str | int) -> str:
    """The JSON pointer of a member, with `~` and `/` escaped (RFC 6901, 3)."""
    return f"{parent}/{str(name).replace('~', '~0').replace('/', '~1')}"
