"""The process's clock, for what is shown or logged. What decides anything uses the database's clock."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(tz=UTC)
