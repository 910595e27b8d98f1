"""Who the tenants are and what their tier promises. All in `public`; nothing of a tenant's own data."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django_tenants.models import DomainMixin, TenantMixin

from wildrydes.kernel.ids import new_id
from wildrydes.kernel.money import CURRENCIES


class PaymentFailureOutcome(models.TextChoices):
    """What becomes of a ride whose fare cannot be captured for good."""

    FAIL = "fail", "The booking fails"
    STORE_CREDIT = "store_credit", "The ride goes ahead on store credit, captured later"


class Tier(models.Model):  # type: ignore[django-manager-missing]  # Tenant's base class has no types
    """A service level that is sold; its policies are data that support staff edit."""

    code = models.SlugField(primary_key=True, max_length=20)
    name = models.CharField(max_length=60)
    requests_per_minute = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1)], help_text="Quota of API requests per tenant and minute."
    )
    max_backlog = models.PositiveIntegerField(
        default=1_000,
        validators=[MinValueValidator(1)],
        help_text="New work is refused (back-pressure) while this many of the tenant's messages wait.",
    )
    service_level_seconds = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1)], help_text="How soon a booking should be confirmed, in seconds."
    )
    booking_deadline_seconds = models.PositiveIntegerField(
        default=600,
        validators=[MinValueValidator(10), MaxValueValidator(86_400)],
        help_text="When a booking that is still open ends by itself, in seconds.",
    )
    payment_failure_outcome = models.CharField(
        max_length=20, choices=PaymentFailureOutcome, default=PaymentFailureOutcome.FAIL
    )
    store_credit_limit_minor = models.PositiveBigIntegerField(
        default=0, help_text="Store credit a tenant may have outstanding, in minor units of its currency."
    )
    worker_share = models.FloatField(
        default=1.0,
        db_default=1.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(100.0)],
        help_text="A tenant's share of the workers' time beside others', where tenants of several tiers share a queue "
        "(0.1 to 100; twice the number, twice the time).",
    )
    max_in_work = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="How many of one tenant's messages may be worked on at once, in each queue; empty: no limit.",
    )
    store_credit_user_limit_minor = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="How much of it one user may have outstanding; empty: all of it."
    )

    free_cancellation_minutes = models.PositiveIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(43_200)],
        help_text="A confirmed ride is cancelled for free until so many minutes before its pick-up; 0: until the pick-up.",
    )
    late_cancellation_fee_percent = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(100)],
        help_text="How much of the fare is kept, in percent, when it is cancelled later than that.",
    )
    no_show_fee_percent = models.PositiveSmallIntegerField(
        default=100,
        db_default=100,
        validators=[MaxValueValidator(100)],
        help_text="How much of the fare is kept, in percent, when the rider does not come.",
    )

    def __str__(self) -> str:
        return self.name


class TenantStatus(models.TextChoices):
    """The life of a tenant. Only `active` serves requests; a suspended one finishes what was accepted."""

    ONBOARDING = "onboarding", "Being onboarded"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    FAILED = "failed", "Onboarding failed"


class Tenant(TenantMixin):
    """A company. Its schema is made by onboarding, never by saving this row."""

    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100)
    slug = models.CharField(max_length=40, unique=True)
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT)
    status = models.CharField(max_length=20, choices=TenantStatus, default=TenantStatus.ONBOARDING, editable=False)
    currency = models.CharField(max_length=3, choices=[(code, code) for code in CURRENCIES], default="USD")
    brand_name = models.CharField(
        max_length=60, blank=True, help_text="What riders read; the company's name when empty."
    )
    brand_colour = models.CharField(
        max_length=7,
        default="#6b21a8",
        validators=[RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", "A colour such as #6b21a8.")],
    )
    brand_logo_url = models.URLField(blank=True)
    features = models.JSONField(default=dict, blank=True, help_text='Feature flags, for example {"loyalty": true}.')
    created_at = models.DateTimeField(auto_now_add=True)
    suspended_at = models.DateTimeField(null=True, editable=False)
    suspended_reason = models.CharField(max_length=200, blank=True, editable=False)
    processing_paused_at = models.DateTimeField(null=True, editable=False)
    processing_paused_reason = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="tenant_name_unique_without_case"),
            models.CheckConstraint(condition=models.Q(slug=Lower("slug")), name="tenant_slug_is_lower_case"),
            models.CheckConstraint(condition=models.Q(schema_name__startswith="t_"), name="tenant_schema_is_prefixed"),
        ]

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):
    """A host name at which a tenant is reached."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(domain=Lower("domain")), name="domain_is_lower_case"),
        ]

    def __str__(self) -> str:
        return str(self.domain)


class SigningKey(models.Model):
    """A key that signs access tokens: published and verified with until `expires_at`, signing from `not_before` to `retires_at`.

    The private part is sealed with `FIELD_ENCRYPTION_KEY`.
    """

    kid = models.CharField(primary_key=True, max_length=64)
    algorithm = models.CharField(max_length=10, default="EdDSA")
    public_jwk = models.JSONField()
    private_sealed = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    not_before = models.DateTimeField()
    retires_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.kid
