"""What the driver's messages would do now."""

from messaging.deadletters.redriving.driving import is_driven
from messaging.deadletters.redriving.events import DriveRun
from messaging.messages import Envelope
from messaging.models import RedriveRun
from messaging.prospects import nothing_due, would
from messaging.topology import Prospect


def of_drive_run(message: Envelope[DriveRun]) -> Prospect:
    """Of `deadletters.drive_run`."""
    run = RedriveRun.objects.filter(id=message.body.run_id).first()
    if run is None or not is_driven(run, message.body.generation):
        return nothing_due("The redrive run has ended, is paused, or is driven by a later message.")
    return would("The redrive run's next step would be done.")
