"""Tenants' accounts at payment providers. In `public`, because a provider's notification names an account and no tenant."""

import uuid

from django.db import models
from django.db.models import Q

from tenants.registry.models import Tenant


class AccountState(models.TextChoices):
    """Whether new charges go through an account."""

    ACTIVE = "active", "In use"
    RETIRED = "retired", "Retired: what was charged through it is still looked up and refunded there"


class Account(models.Model):
    """One tenant's account at one provider. Its provider never changes: another one is another account.

    The id stands in the address that the provider notifies, so it is random and tells nothing. Keys and secrets are sealed with
    `FIELD_ENCRYPTION_KEY` and never shown; the previous webhook secret is good until `previous_valid_until`, so that it can be
    rotated without losing a notification.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", verbose_name="company")
    provider = models.CharField(max_length=20)
    name = models.CharField(max_length=64, blank=True, help_text="What the account is called at the provider.")
    base_url = models.CharField(
        max_length=300, blank=True, help_text="Where its API answers; empty: the usual address."
    )
    api_key_sealed = models.TextField(blank=True)
    webhook_secret_sealed = models.TextField(blank=True)
    previous_webhook_secret_sealed = models.TextField(blank=True)
    previous_valid_until = models.DateTimeField(null=True)
    company_source = models.CharField(
        max_length=80, blank=True, help_text="The provider's token of the company's card on file, such as pm_…"
    )
    customer = models.CharField(
        max_length=80, blank=True, help_text="The provider's customer that card belongs to, such as cus_…"
    )
    state = models.CharField(max_length=7, choices=AccountState, default=AccountState.ACTIVE)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    subscribed_at = models.DateTimeField(null=True, help_text="When the provider was told where to notify, by its API.")

    class Meta:
        verbose_name = "payment account"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(state="active"), name="payment_account_one_in_use_per_tenant"
            ),
            models.CheckConstraint(condition=Q(state__in=AccountState.values), name="payment_account_state_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} account"
