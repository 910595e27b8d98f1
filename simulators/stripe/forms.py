"""Stripe's way of writing nested fields in a form: `metadata[booking]=7&payment_method_types[0]=card`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from simulators.checking import Rejected

_NAME = re.compile(r"([a-z0-9_]{1,60})((?:\[[A-Za-z0-9_-]{0,60}\]){0,4})")


def read_form(body: bytes) -> dict[str, Any]:
    """The body as nested dictionaries; lists are dictionaries by their positions.

    Raises:
        Rejected: 400, it is not such a form.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=200)
    except ValueError as error:
        raise Rejected(400, "invalid_request_error", "The body is not a form") from error
    fields: dict[str, Any] = {}
    for name, value in pairs:
        found = _NAME.fullmatch(name)
        if found is None or "\x00" in value:
            raise Rejected(400, "invalid_request_error", "A parameter's name is not valid", param=name[:64])
        path = [found[1], *re.findall(r"\[([^\]]*)\]", found[2])]
        _put(fields, path, value)
    return fields


def _put(fields: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        inner = fields.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Rejected(400, "invalid_request_error", "A parameter is given in two ways", param=part[:64])
        fields = inner
    fields[path[-1]] = value
