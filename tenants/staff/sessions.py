"""A session of the console: when it began, when it was used last, and by which second factor it was opened.

Times are Unix time on the web's clocks; being off by seconds does not matter here.
"""

import time
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

_BEGAN, _SEEN, _FACTOR = "staff_began", "staff_seen", "staff_second_factor"
# A session is written no more often than this, or every page would be a write.
_NOTE_EVERY_SECONDS = 30


def session_begins(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """Logging in: a signal's receiver."""
    if request is not None and hasattr(request, "session"):
        request.session[_BEGAN] = request.session[_SEEN] = int(time.time())
        request.session.pop(_FACTOR, None)


def why_over(session: SessionBase, *, by_itself: bool = False) -> str:
    """Why the session has to end, in words; empty when it may go on. Notes that it is used, unless a page asks `by_itself`."""
    now = int(time.time())
    began, seen = int(session.setdefault(_BEGAN, now)), int(session.setdefault(_SEEN, now))
    if now - began >= settings.STAFF_SESSION_ABSOLUTE_SECONDS:
        return f"You were logged out: a session lasts {_spoken(settings.STAFF_SESSION_ABSOLUTE_SECONDS)}."
    if now - seen >= settings.STAFF_SESSION_IDLE_SECONDS:
        return f"You were logged out after {_spoken(settings.STAFF_SESSION_IDLE_SECONDS)} without a click."
    if not by_itself and now - seen >= min(_NOTE_EVERY_SECONDS, settings.STAFF_SESSION_IDLE_SECONDS / 2):
        session[_SEEN] = now
    return ""


def factor_of(session: SessionBase) -> str:
    """The mark of the second factor that opened the session; empty when it was opened without."""
    return str(session.get(_FACTOR, ""))


def opened_by(session: SessionBase, mark: str) -> None:
    """Note the second factor. The session gets a new key: one that was fixed or seen before is worth nothing now."""
    session.cycle_key()
    session[_FACTOR] = mark


def delete_expired_sessions() -> None:
    """Housekeeping: sessions that can never be used again."""
    SessionStore.clear_expired()


def _spoken(seconds: int) -> str:
    return f"{seconds // 3600} hours" if seconds >= 7200 else f"{max(1, seconds // 60)} minutes"
