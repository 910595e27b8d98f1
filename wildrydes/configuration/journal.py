"""The journal's seal and retention, as settings."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def journal_settings(env: Any, var: Path) -> dict[str, Any]:
    """Where the heads of the journals' chains are written outside the database."""
    return {"HEADS_FILE": env.str("JOURNAL_HEADS_FILE", default="") or str(var / "journal-heads.jsonl")}


def retention_settings(env: Any) -> dict[str, int]:
    """How many days each kind is kept; empty and 0 both keep for ever.

    Raises:
        ImproperlyConfigured: for what is no whole number of days.
    """
    given = {
        "TRACES": env.str("RETENTION_TRACES_DAYS", default="90"),
        "HANDLER_ERRORS": env.str("RETENTION_HANDLER_ERRORS_DAYS", default="90"),
        "OUTBOUND_CALLS": env.str("RETENTION_OUTBOUND_CALLS_DAYS", default="90"),
        "MESSAGES": env.str("RETENTION_MESSAGES_DAYS", default="0"),
        "RESOLVED_DEAD_LETTERS": env.str("RETENTION_RESOLVED_DEAD_LETTERS_DAYS", default="365"),
    }
    return {kind: _days(kind, value.strip() or "0") for kind, value in given.items()}


def _days(kind: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 5:
        raise ImproperlyConfigured(f"RETENTION_{kind}_DAYS is {value!r}; it is a whole number of days, 0 for ever.")
    return int(value)
