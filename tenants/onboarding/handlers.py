"""What onboarding reacts to: its own command."""

from tenants.onboarding.provisioning import Provisioning, provisioning_died

PROVISION = Provisioning()

__all__ = ["PROVISION", "provisioning_died"]
