"""How staff log in to the console, beyond the password."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from wildrydes.configuration.numbers import whole

_CHOICES = ("required", "optional")


def second_factor(env: Any, *, environment: str) -> str:
    """`STAFF_SECOND_FACTOR`; in production it is required unless somebody says otherwise.

    Raises:
        ImproperlyConfigured: another word: a slip must not open the door.
    """
    chosen = str(env.str("STAFF_SECOND_FACTOR", default="required" if environment == "production" else "optional"))
    if chosen not in _CHOICES:
        raise ImproperlyConfigured(f"STAFF_SECOND_FACTOR={chosen!r}: write {' or '.join(_CHOICES)}.")
    return chosen


def session_seconds(env: Any) -> dict[str, int]:
    """How long a session of the console lasts: unused, and at all.

    Raises:
        ImproperlyConfigured: no time at all, or longer than a day unused or a week.
    """
    return {
        "idle": whole(env, "STAFF_SESSION_IDLE_MINUTES", default=60, least=1, most=24 * 60) * 60,
        "absolute": whole(env, "STAFF_SESSION_HOURS", default=12, least=1, most=24 * 7) * 3600,
    }
