"""Stripe's lists: newest first, a page at a time, of a period where one is given."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulators.checking import Rejected

_MOST, _USUAL = 100, 10


def page_of(rows: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """The page that a query asks for.

    Raises:
        Rejected: 400, a number is none, or the page is to begin behind a row that is not there.
    """
    limit = min(_number(query, "limit", _USUAL), _MOST)
    least, end = _number(query, "created[gte]", 0), _number(query, "created[lt]", 2**53)
    found = [row for row in rows if least <= row["created"] < end]
    after = query.get("starting_after")
    if after is not None:
        places = [place for place, row in enumerate(found) if row["id"] == after]
        if not places:
            raise Rejected(400, "invalid_request_error", "No such object", param="starting_after")
        found = found[places[0] + 1 :]
    return {"object": "list", "data": list(found[:limit]), "has_more": len(found) > limit, "url": ""}


def _number(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise Rejected(400, "invalid_request_error", "Invalid integer", param=name)
    return int(text)
