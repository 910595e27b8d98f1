"""The books: entries and their lines. In the tenant's schema, append-only, balanced by the database (migration 0002)."""

from django.db import models
from django.db.models import Q

from payments.ledger.domain import Account
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.money import CURRENCIES


class EntryKind(models.TextChoices):
    """Why money moved."""

    CAPTURED = "captured", "Fare captured"
    CREDIT_GIVEN = "credit_given", "Fare put on store credit"
    CREDIT_CAPTURED = "credit_captured", "Store credit captured later"
    CREDIT_FORGIVEN = "credit_forgiven", "Store credit forgiven"
    REFUNDED = "refunded", "Refunded"
    ADJUSTED = "adjusted", "Difference with the provider's record accepted"
    ADOPTED = "adopted", "Taken over from the totals"


class Entry(models.Model):
    """One movement of money, with all of its lines in the same transaction.

    `once` names the fact that is booked, such as `captured:<charge id>`: the database takes each fact once, so that a charge is
    captured once in the books whatever the code above does.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=EntryKind)
    booking_id = models.UUIDField(null=True, db_index=True, help_text="Whose receivable; empty for adjustments.")
    once = models.CharField(max_length=100, unique=True)
    provider_ref = models.CharField(
        max_length=100, blank=True, default="", help_text="The provider's id of the charge or refund."
    )
    occurred_at = models.DateTimeField(db_default=models.functions.Now(), db_index=True)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="entry_kind_is_known"),
            models.CheckConstraint(
                condition=Q(booking_id__isnull=False) ^ Q(kind=EntryKind.ADJUSTED), name="entry_has_a_booking"
            ),
        ]
        indexes = [models.Index(fields=["provider_ref"], name="entry_provider_ref", condition=~Q(provider_ref=""))]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class EntryLine(models.Model):
    """One account's side of an entry, in minor units: positive is a debit, negative a credit."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="lines")
    account = models.CharField(max_length=16, choices=[(account.value, account.value) for account in Account])
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount_minor=0), name="line_is_not_empty"),
            models.CheckConstraint(
                condition=Q(account__in=[account.value for account in Account]), name="line_account_is_known"
            ),
            models.CheckConstraint(condition=Q(currency__in=sorted(CURRENCIES)), name="line_currency_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_minor} {self.currency}"
