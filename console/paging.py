"""Long lists, a page at a time and without counting them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest

PAGE_SIZE = 50
# Nobody leafs that far: who is there should filter. It also bounds what the database has to skip.
LAST_PAGE = 200

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items. `before` and `after` are the query strings of the neighbours, empty where there is none."""

    items: Sequence[Item]
    number: int
    before: str
    after: str


def page_of(request: HttpRequest, rows: QuerySet[Any], *, size: int = PAGE_SIZE) -> Page[Any]:
    """The page that `?page=` asks for; what is no number means the first, what is too far the last that is shown."""
    asked = request.GET.get("page", "")
    number = min(max(int(asked), 1), LAST_PAGE) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
    found = list(rows[(number - 1) * size : number * size + 1])
    has_next = len(found) > size and number < LAST_PAGE
    return Page(
        items=found[:size],
        number=number,
        before=query_with(request, page=number - 1) if number > 1 else "",
        after=query_with(request, page=number + 1) if has_next else "",
    )


def query_with(request: HttpRequest, **changes: Any) -> str:
    """The request's query string with some parameters changed; None takes one away."""
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return f"?{query.urlencode()}"
