"""What somebody typed into the search field, read leniently: people paste ids out of logs, mails and addresses. Pure."""

import re
from dataclasses import dataclass
from uuid import UUID

from wildrydes.kernel.errors import InvalidInput

LONGEST = 300
_SLUG = re.compile(r"[a-z0-9-]{1,63}")
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """An id: `uuid` when there is one in what was typed, `text` as it was typed."""

    text: str
    uuid: UUID | None


def read_wanted(typed: str) -> Wanted:
    """The id in what was typed; the first one, where there are several.

    Raises:
        InvalidInput: nothing was, or what can be no id of any kind.
    """
    text = typed.strip()
    if not text:
        raise InvalidInput("Type an id: of a booking, an operation, a message, a charge …")
    if len(text) > LONGEST or not text.isprintable():
        raise InvalidInput(f"An id has at most {LONGEST} printable characters; copy one of the ids by itself.")
    found = _UUID.search(text)
    return Wanted(text=text, uuid=UUID(found[0]) if found else None)


def read_company(typed: str) -> str:
    """A company's short name, or nothing for all of them.

    Raises:
        InvalidInput: it can be no short name.
    """
    if typed and not _SLUG.fullmatch(typed):
        raise InvalidInput("A company is named by its short name, such as acme-travel.")
    return typed
