"""What a run is asked for, and where it keeps its things."""

from dataclasses import dataclass
from pathlib import Path

from wildrydes.devstack.layout import REPOSITORY


@dataclass(frozen=True, kw_only=True)
class Options:
    """One run.

    Attributes:
        kills: how many blows are struck.
        seed: draws the schedule of the kills and every booking.
        directory: where record, evidence, report and the stack's own files go.
        rate: bookings per second, all companies together, while answers are quick.
        pause: mean seconds between two kills.
        faults: share of the payment provider's calls that fail or are late; 0 for kills alone.
        settle_seconds: how long after healing every promise may still take to end.
        lease_seconds: how long the stack's workers hold a delivery without a sign of life; a frozen one stays so for longer.
    """

    kills: int = 60
    seed: int = 1
    directory: Path = REPOSITORY / "var" / "chaos"
    rate: float = 3.0
    pause: float = 3.0
    faults: float = 0.0
    settle_seconds: float = 60.0
    lease_seconds: float = 30.0


@dataclass(frozen=True)
class Files:
    """The names inside a run's directory."""

    directory: Path

    @property
    def record(self) -> Path:
        """What was promised and what was done, one JSON object per line, only ever appended to."""
        return self.directory / "record.jsonl"

    @property
    def evidence(self) -> Path:
        """What API, payment provider, finance system and dead letters said in the end."""
        return self.directory / "evidence.json"

    @property
    def report(self) -> Path:
        """The verdict with all its figures and findings."""
        return self.directory / "report.json"

    @property
    def stack(self) -> Path:
        """The runtime directory of the stack: data and log."""
        return self.directory / "stack"
