"""What going on with an onboarding would come to now."""

from messaging.messages import Envelope
from messaging.prospects import nothing_due, would
from messaging.topology import Prospect
from tenants.onboarding.events import ProvisionTenant
from tenants.onboarding.models import OnboardingRun, RunState


def of_provisioning(message: Envelope[ProvisionTenant]) -> Prospect:
    """Of `onboarding.provision`."""
    run = OnboardingRun.objects.filter(id=message.body.run_id).first()
    if run is None:
        return nothing_due("The onboarding does not exist any more.")
    if run.state == RunState.FAILED:
        return nothing_due("The onboarding has failed; press Try again on its page.")
    if run.state != RunState.RUNNING:
        return nothing_due("The company is open for service.")
    return would("The onboarding would go on from the step it is at.")
