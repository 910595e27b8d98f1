"""Changes to tenants, tiers and domains. Each makes this process forget its directory when it commits."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now

from tenants.registry import naming
from tenants.registry.directory import forget
from tenants.registry.models import Domain, Tenant, TenantStatus, Tier
from wildrydes.kernel.errors import Conflict, InvalidInput, NotFound
from wildrydes.kernel.money import CURRENCIES

# Which field a violated constraint speaks of, and what the person at the form reads.
_TAKEN = {
    "tenant_name_unique_without_case": ("/name", "There is a company with this name already."),
    "registry_tenant_slug": ("/slug", "This short name is taken; choose another one."),
    "registry_tenant_schema_name": ("/slug", "This short name is taken; choose another one."),
    "registry_domain_domain": ("/domain", "This domain is another company's already."),
}
LONGEST_REASON = 200


class NameTaken(InvalidInput):
    """Another tenant has the name, the short name or the domain."""

    status = 409
    code = "name-taken"
    title = "The name is taken"


def _refused(error: IntegrityError) -> Exception:
    """The violated constraint as something a person understands; any other error as it came."""
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
    for known, (pointer, sentence) in _TAKEN.items():
        if constraint.startswith(known):
            return NameTaken.at(pointer, sentence)
    return error


def register_tenant(*, name: str, slug: str, tier: str, currency: str, own_domain: str = "") -> Tenant:
    """Write down a new company with its addresses, being onboarded: it has no schema and is not served yet.

    `tier` is a tier's code, `currency` an ISO 4217 code, `own_domain` a host name that the company brings.

    Raises:
        InvalidInput: a field breaks a rule, or a name is taken (`NameTaken`, also when two register at the same moment).
    """
    name, slug = naming.check_company_name(name), naming.check_slug(slug)
    if currency not in CURRENCIES:
        raise InvalidInput.at("/currency", f"The currency is one of {', '.join(sorted(CURRENCIES))}.")
    chosen = Tier.objects.filter(code=tier).first()
    if chosen is None:
        known = ", ".join(Tier.objects.order_by("code").values_list("code", flat=True))
        raise InvalidInput.at("/tier", f"The tier is one of {known}.")
    domains = [naming.default_domain(slug, settings.PUBLIC_DOMAIN)]
    if own_domain:
        own_domain = naming.check_own_domain(own_domain, slug=slug, public_domain=settings.PUBLIC_DOMAIN)
        domains += [own_domain] if own_domain not in domains else []
    try:
        with transaction.atomic():
            tenant: Tenant = Tenant.objects.create(
                name=name, slug=slug, schema_name=naming.schema_name_for(slug), tier=chosen, currency=currency
            )
            for position, domain in enumerate(domains):
                Domain.objects.create(tenant=tenant, domain=domain, is_primary=position == 0)
    except ValidationError as error:  # django-tenants looks for the schema's name before the database does
        raise NameTaken.at(*_TAKEN["registry_tenant_schema_name"]) from error
    except IntegrityError as error:
        raise _refused(error) from error
    transaction.on_commit(forget)
    return tenant


def save_tier(tier: Tier) -> None:
    """Store a tier's changed policies."""
    tier.save()
    transaction.on_commit(forget)


def save_tenant(tenant: Tenant) -> None:
    """Store a tenant's changed name, tier, branding or feature flags.

    Raises:
        InvalidInput: a field breaks a rule, or the name is taken.
    """
    tenant.name = naming.check_company_name(tenant.name)
    tenant.features = naming.check_features(tenant.features)
    changeable = ("name", "tier", "brand_name", "brand_colour", "brand_logo_url", "features")
    try:
        with transaction.atomic():
            tenant.save(update_fields=changeable)
    except IntegrityError as error:
        raise _refused(error) from error
    transaction.on_commit(forget)


def add_domain(*, tenant: Tenant, domain: str) -> Domain:
    """Let the tenant be reached at one more host name.

    Raises:
        InvalidInput: the domain breaks a rule or is taken.
    """
    checked = naming.check_own_domain(domain, slug=tenant.slug, public_domain=settings.PUBLIC_DOMAIN)
    try:
        with transaction.atomic():
            added: Domain = Domain.objects.create(tenant=tenant, domain=checked, is_primary=False)
    except IntegrityError as error:
        raise _refused(error) from error
    transaction.on_commit(forget)
    return added


def remove_domain(domain: Domain) -> None:
    """Let the tenant be reached at this host name no longer.

    Raises:
        Conflict: it is the tenant's primary address.
    """
    if domain.is_primary:
        raise Conflict(f"{domain.domain} is the company's primary address and stays.")
    domain.delete()
    transaction.on_commit(forget)


def suspend_tenant(*, slug: str, reason: str) -> Tenant:
    """Close admission: nothing new is let in from now (other processes notice within the directory's TTL, 10 seconds).

    What was accepted is finished. Suspending a suspended tenant only changes the reason.

    Raises:
        InvalidInput: no reason is given, or it is too long.
        NotFound: there is no such tenant.
        Conflict: the tenant is not in service.
    """
    reason = " ".join(reason.split())
    if not 3 <= len(reason) <= LONGEST_REASON:
        raise InvalidInput.at("/reason", f"Say why, in 3 to {LONGEST_REASON} characters; the company may ask.")
    return _change_status(
        slug,
        allowed=(TenantStatus.ACTIVE, TenantStatus.SUSPENDED),
        to=TenantStatus.SUSPENDED,
        suspended_at=models.functions.Coalesce("suspended_at", Now()),
        suspended_reason=reason,
    )


def reactivate_tenant(*, slug: str) -> Tenant:
    """Open admission again; harmless for an active tenant.

    Raises:
        NotFound: there is no such tenant.
        Conflict: the tenant was never in service.
    """
    return _change_status(
        slug,
        allowed=(TenantStatus.ACTIVE, TenantStatus.SUSPENDED),
        to=TenantStatus.ACTIVE,
        suspended_at=None,
        suspended_reason="",
    )


def _change_status(slug: str, *, allowed: tuple[TenantStatus, ...], to: TenantStatus, **fields: object) -> Tenant:
    with transaction.atomic():
        tenant: Tenant | None = Tenant.objects.select_for_update().filter(slug=slug).first()
        if tenant is None:
            raise NotFound(f"There is no company with the short name {slug}.")
        if tenant.status not in allowed:
            raise Conflict(f"{tenant.name} is not in service ({tenant.get_status_display().lower()}).")
        Tenant.objects.filter(pk=tenant.pk).update(status=to, **fields)
        tenant.refresh_from_db()
        transaction.on_commit(forget)
    return tenant
