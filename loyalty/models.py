"""Points: an account per user, and an entry for each thing that changed it. Lives in the tenant's schema."""

from django.db import models
from django.db.models import Q

from wildrydes.kernel.ids import new_id


class Account(models.Model):
    """A user's points; `balance` is the sum of the entries, kept so that reading it costs one row."""

    user_id = models.UUIDField(primary_key=True, editable=False)
    balance = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "loyalty account"
        constraints = [models.CheckConstraint(condition=Q(balance__gte=0), name="loyalty_balance_not_negative")]

    def __str__(self) -> str:
        return f"{self.balance} points of {self.user_id}"


class EntryKind(models.TextChoices):
    """Why points changed. A booking has at most one entry of each kind."""

    EARNED = "earned", "Earned with a ride"
    TAKEN_BACK = "taken_back", "Taken back: the ride does not take place"


class Entry(models.Model):
    """A line of the account.

    A ride that was called off before its confirmation arrived here leaves a `taken_back` of nothing: the confirmation, when it
    comes, finds it and earns nothing.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user_id = models.UUIDField()
    booking_id = models.UUIDField()
    kind = models.CharField(max_length=10, choices=EntryKind)
    points = models.BigIntegerField(help_text="Negative when taken back.")
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["user_id", "id"], name="loyalty_entry_user_id")]
        constraints = [
            models.UniqueConstraint(fields=["booking_id", "kind"], name="loyalty_one_entry_per_booking_and_kind"),
            models.CheckConstraint(
                condition=Q(kind=EntryKind.EARNED, points__gte=0) | Q(kind=EntryKind.TAKEN_BACK, points__lte=0),
                name="loyalty_entry_has_the_sign_of_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.points}"
