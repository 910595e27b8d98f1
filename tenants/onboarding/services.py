"""Starting the onboarding of a company, and starting it again after a failure."""

from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from messaging.services import send
from tenants.onboarding import progress
from tenants.onboarding.events import ProvisionTenant
from tenants.onboarding.models import OnboardingRun, RunState
from tenants.onboarding.templates import schema_exists
from tenants.registry.directory import forget
from tenants.registry.models import Tenant, TenantStatus
from tenants.registry.naming import check_slug, schema_name_for
from tenants.registry.services import NameTaken, register_tenant
from wildrydes.kernel.errors import Conflict, InvalidInput, NotFound

_LONGEST_USER_NAME = 100


def start_onboarding(
    *,
    name: str,
    slug: str,
    tier: str,
    currency: str,
    email: str,
    user_name: str = "",
    own_domain: str = "",
    password: str = "",
    requested_by: str = "",
) -> OnboardingRun:
    """Register a company and send for its schema to be made; answers the run, whose page shows the rest.

    `tier` is a tier's code and `currency` an ISO 4217 code. The first user, `email`, becomes the company's administrator: with
    `password`, or invited by e-mail to choose one. `requested_by` names the member of staff, for the record.

    Raises:
        InvalidInput: a field breaks a rule; `errors` says which. `NameTaken` when another company has the name.
    """
    email, user_name = _check_first_user(email, user_name, password)
    slug = check_slug(slug)
    # A schema without a tenant is what somebody left behind by hand; taking it for this tenant's would mix the two.
    if schema_exists(schema_name_for(slug)) and not Tenant.objects.filter(slug=slug).exists():
        raise NameTaken.at("/slug", "The database holds a schema of this name already; choose another short name.")
    with transaction.atomic():
        tenant = register_tenant(name=name, slug=slug, tier=tier, currency=currency, own_domain=own_domain)
        run = OnboardingRun.objects.create(
            tenant=tenant,
            requested_by=requested_by,
            first_user_email=email,
            first_user_name=user_name,
            first_user_password=make_password(password) if password else "",
        )
        progress.write_steps(run)
        send(ProvisionTenant(run_id=run.id), correlation_id=run.id)
    return run


def _check_first_user(email: str, user_name: str, password: str) -> tuple[str, str]:
    email, user_name = email.strip().lower(), " ".join(user_name.split())
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInput.at("/email", "The first user's e-mail address is not valid.") from error
    if len(email) > 254:
        raise InvalidInput.at("/email", "The first user's e-mail address is too long.")
    if len(user_name) > _LONGEST_USER_NAME or not user_name.isprintable():
        raise InvalidInput.at("/user_name", f"The first user's name has at most {_LONGEST_USER_NAME} plain characters.")
    if password:
        try:
            validate_password(password)
        except ValidationError as error:
            raise InvalidInput.at("/password", " ".join(error.messages)) from error
    return email, user_name


def retry_onboarding(*, run_id: UUID) -> OnboardingRun:
    """Go on with a run that failed, from the step that failed.

    Raises:
        NotFound: there is no such run.
        Conflict: it is under way or done.
    """
    with transaction.atomic():
        run = OnboardingRun.objects.select_for_update().filter(id=run_id).first()
        if run is None:
            raise NotFound("There is no such onboarding.")
        if run.state != RunState.FAILED:
            raise Conflict(f"This onboarding has not failed ({run.get_state_display().lower()}).")
        OnboardingRun.objects.filter(id=run.id).update(
            state=RunState.RUNNING, failure="", tries=F("tries") + 1, started_at=Now(), finished_at=None
        )
        Tenant.objects.filter(id=run.tenant_id).update(status=TenantStatus.ONBOARDING)
        progress.reset_failed(run.id)
        send(ProvisionTenant(run_id=run.id), correlation_id=run.id)
        transaction.on_commit(forget)
    run.refresh_from_db()
    return run
