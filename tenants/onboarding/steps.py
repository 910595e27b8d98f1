"""What the steps of onboarding do. Each can be repeated: it finds what is there already and does the rest."""

from collections.abc import Callable

from django.db import transaction

from tenants.onboarding.errors import UnableToProvision
from tenants.onboarding.models import StepCode
from tenants.onboarding.shape import difference, shape_of
from tenants.onboarding.templates import ensure_template, replay, schema_exists
from tenants.registry.keys.rotation import ensure_signing_key
from tenants.registry.models import Tenant


def prepare_template(tenant: Tenant) -> str:
    """Build the template if this version of the code has none yet."""
    template, built = ensure_template()
    return f"built in {template.build_seconds:.1f} s" if built else "already there"


def create_schema(tenant: Tenant) -> str:
    """Replay the template. It happens in one transaction, so a schema that is there is whole."""
    if schema_exists(tenant.schema_name):
        return "already there"
    template, _ = ensure_template()
    replay(template, tenant.schema_name)
    return f"{template.shape['constraints']['count']} constraints and {template.shape['indexes']['count']} indexes"


def check_schema(tenant: Tenant) -> str:
    """Hold the schema against the template.

    Raises:
        UnableToProvision: they differ.
    """
    template, _ = ensure_template()
    with transaction.atomic():
        found = shape_of(tenant.schema_name)
    differs = difference(template.shape, found)
    if differs:
        raise UnableToProvision(
            f"The schema {tenant.schema_name} differs from the template: {differs}. "
            "If it is older, run `manage.py migrate_tenants`, then try again."
        )
    return f"{found['migrations']['count']} migrations, definitions equal"


def make_signing_key(tenant: Tenant) -> str:
    """Make the platform's first signing key if there is none: without one nobody of the new company could log in."""
    ensure_signing_key()
    return ""


# The steps that are done one by one, each with its own commit; the last two are one commit in `provisioning`.
STEPS: tuple[tuple[StepCode, Callable[[Tenant], str]], ...] = (
    (StepCode.TEMPLATE, prepare_template),
    (StepCode.SCHEMA, create_schema),
    (StepCode.CHECK, check_schema),
    (StepCode.KEYS, make_signing_key),
)
