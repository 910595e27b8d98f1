"""The driver's side of the messages."""

from messaging.deadletters.redriving import driving, services
from messaging.deadletters.redriving.events import DriveRun
from messaging.messages import Envelope, Obsolete
from messaging.topology import DeadCause


def drive_run(message: Envelope[DriveRun]) -> Obsolete | None:
    """Do the run's next step."""
    found = driving.step(run_id=message.body.run_id, generation=message.body.generation)
    return None if found else Obsolete("The run has ended, is paused, or is driven by a later message.")


def drive_run_is_dead(message: Envelope[DriveRun], cause: DeadCause) -> None:
    """Nobody drives the run any more: it waits for somebody who looks."""
    services.driver_died(
        run_id=message.body.run_id, generation=message.body.generation, why=cause.error_class or cause.reason
    )
