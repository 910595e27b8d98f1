"""The provider's record of a period, page by page, in an order that does not change while it is read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from simulators.checking import Rejected

_MOST, _USUAL = 1_000, 100
_KNOWN = {"from", "to", "limit", "after"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows: from a moment up to and without another, at most `limit`, behind the row that `after` names."""

    start: str
    end: str
    limit: int
    after: tuple[str, str]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """What the query asks for.

        Raises:
            Rejected: 422, something is missing, unknown or not valid.
        """
        for name in query:
            if name not in _KNOWN:
                raise Rejected(422, "invalid_query", f"Known are {', '.join(sorted(_KNOWN))}", param=name[:64])
        limit = query.get("limit", str(_USUAL))
        if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= _MOST):
            raise Rejected(422, "invalid_query", f"Must be an integer from 1 to {_MOST}", param="limit")
        after = query.get("after", "")
        moved, _, row_id = after.partition("~")
        if after and not (moved and row_id):
            raise Rejected(422, "invalid_query", "Must be the `next` of an earlier page", param="after")
        return cls(_moment(query, "from"), _moment(query, "to"), int(limit), (moved, row_id))


def page_of(movements: Iterable[Mapping[str, Any]], asked: Asked) -> dict[str, Any]:
    """The page, and where the next one begins."""
    within = (row for row in movements if asked.start <= _place(row)[0] < asked.end and _place(row) > asked.after)
    found = sorted(within, key=_place)
    rows = found[: asked.limit]
    following = "~".join(_place(rows[-1])) if len(found) > asked.limit else None
    return {"object": "list", "data": rows, "next": following}


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    """When money moved, and the id: what is answered later moves when it is settled."""
    return str(row.get("settled") or row["created"]), str(row["id"])


def _moment(query: Mapping[str, str], name: str) -> str:
    try:
        moment = datetime.fromisoformat(query[name])
        here = moment.replace(tzinfo=None) - moment.utcoffset()  # type: ignore[operator]  # None is a TypeError, as caught
        return here.isoformat(timespec="microseconds") + "Z"
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise Rejected(422, "invalid_query", "Must be a time such as 2026-11-21T00:00:00Z", param=name) from error
