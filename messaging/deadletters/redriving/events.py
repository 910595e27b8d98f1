"""What drives a run."""

from typing import ClassVar
from uuid import UUID

from messaging.messages import Command


class DriveRun(Command, frozen=True, kw_only=True):
    """Do the run's next step. A platform message; one of an older generation finds nothing to do."""

    topic: ClassVar[str] = "deadletters.drive_run"

    run_id: UUID
    generation: int
