"""What every tenant and user starts with: a billing account and settings. In the tenant's schema."""

from django.db import models
from django.db.models.functions import Now


class BillingAccount(models.Model):
    """Who pays, and in what: one row per tenant. `currency` is an ISO 4217 code, `tier` a tier's code."""

    tenant_id = models.UUIDField(primary_key=True, editable=False)
    company = models.CharField(max_length=100)
    tier = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    opened_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.company


class BillingMember(models.Model):
    """A user whose rides the company pays for."""

    user_id = models.UUIDField(primary_key=True, editable=False)
    joined_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.user_id)


class DistanceUnit(models.TextChoices):
    """How distances are written."""

    KILOMETRES = "km", "Kilometres"
    MILES = "mi", "Miles"


class TenantSettings(models.Model):
    """A company's preferences: one row per tenant. `time_zone` is a name of the IANA database."""

    tenant_id = models.UUIDField(primary_key=True, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC")
    distance_unit = models.CharField(max_length=2, choices=DistanceUnit, default=DistanceUnit.KILOMETRES)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "tenant settings"

    def __str__(self) -> str:
        return str(self.tenant_id)


class UserSettings(models.Model):
    """A user's preferences. `language` is a BCP 47 tag."""

    user_id = models.UUIDField(primary_key=True, editable=False)
    language = models.CharField(max_length=35, default="en")
    email_notices = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "user settings"

    def __str__(self) -> str:
        return str(self.user_id)
