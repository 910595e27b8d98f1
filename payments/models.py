"""Charges, refunds and what each booking owes. In the tenant's schema."""

from django.db import models
from django.db.models import F, Q

from wildrydes.kernel.ids import new_id


class ChargeState(models.TextChoices):
    """How far taking a fare has come; README.md has the table of states and events."""

    PENDING = "pending", "Asked for, nothing sent"
    CALLING = "calling", "Sent to the provider, or about to be"
    PROCESSING = "processing", "Taken on by the provider, whose answer comes later"
    CAPTURED = "captured", "Taken"
    DECLINED = "declined", "Declined"
    ON_CREDIT = "on_credit", "Owed as store credit"
    IN_DOUBT = "in_doubt", "Given up, but perhaps taken"
    FAILED = "failed", "Not taken"
    WITHDRAWN = "withdrawn", "Not wanted any more, nothing taken"


class Charge(models.Model):
    """The fare of one booking and the one attempt to take it: however often it is tried, the idempotency key is the same."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    booking_id = models.UUIDField(unique=True)
    user_id = models.UUIDField(null=True, db_index=True, help_text="Whose store credit may be used.")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=80, help_text="The provider's token of a card, never the card.")
    idempotency_key = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=ChargeState, default=ChargeState.PENDING)
    provider = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="Where it was charged; empty before it is sent."
    )
    account_id = models.UUIDField(null=True, help_text="Through which account there; none: the built-in one.")
    provider_ref = models.CharField(
        max_length=100, blank=True, default="", help_text="The charge's id at the provider."
    )
    failure_code = models.CharField(max_length=100, blank=True, default="")
    refund_reason = models.CharField(
        max_length=200, blank=True, default="", help_text="Why the ride wants the money back; empty while it is due."
    )
    forgiven_minor = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="How much of a fare on store credit is not owed any more; goes back should all of it be captured.",
    )
    refund_answer_due = models.BooleanField(
        default=False, help_text="The ride still waits to hear what became of the refund it asked for."
    )
    deadline_at = models.DateTimeField(help_text="When trying ends and the tier's outcome is taken.")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="charge_amount_is_positive"),
            models.CheckConstraint(condition=Q(state__in=ChargeState.values), name="charge_state_is_known"),
            models.CheckConstraint(
                condition=Q(forgiven_minor__gte=0, forgiven_minor__lt=F("amount_minor")), name="charge_forgiven_in_part"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[ChargeState.CAPTURED, ChargeState.PROCESSING]) | ~Q(provider_ref=""),
                name="charge_known_at_provider",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[ChargeState.PENDING, ChargeState.CALLING, ChargeState.PROCESSING])
                | Q(settled_at__isnull=False),
                name="charge_final_since",
            ),
            models.CheckConstraint(
                condition=~Q(state=ChargeState.ON_CREDIT) | Q(refund_reason=""), name="charge_credit_is_wanted"
            ),
        ]
        indexes = [models.Index(fields=["provider_ref"], name="charge_provider_ref", condition=~Q(provider_ref=""))]

    def __str__(self) -> str:
        return f"{self.state} {self.id}"


class RefundState(models.TextChoices):
    """How far giving money back has come."""

    PENDING = "pending", "Asked for, nothing sent"
    CALLING = "calling", "Sent to the provider, or about to be"
    SUCCEEDED = "succeeded", "Given back"
    FAILED = "failed", "Not given back"


class Refund(models.Model):
    """Money of one charge that goes back. A booking has one at most."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    charge = models.OneToOneField(Charge, on_delete=models.PROTECT, related_name="refund")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=RefundState, default=RefundState.PENDING)
    provider_ref = models.CharField(max_length=100, blank=True, default="")
    failure_code = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_is_positive"),
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="refund_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state=RefundState.SUCCEEDED) | (~Q(provider_ref="") & Q(settled_at__isnull=False)),
                name="refund_made_at_provider",
            ),
        ]
        indexes = [models.Index(fields=["provider_ref"], name="refund_provider_ref", condition=~Q(provider_ref=""))]

    def __str__(self) -> str:
        return f"{self.state} {self.id}"


class Totals(models.Model):
    """What one booking owes and how that is covered, in minor units: captured + credit - refunded = due, always.

    `due_minor` is what the ride costs its rider as things stand: nothing before the fare is taken or put on credit, nothing
    after it was refunded in full. The constraints are the last line of defence of the product's second promise.
    """

    booking_id = models.UUIDField(primary_key=True, editable=False)
    due_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    credit_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "totals"
        constraints = [
            models.CheckConstraint(
                condition=Q(due_minor=F("captured_minor") + F("credit_minor") - F("refunded_minor")),
                name="totals_balance",
            ),
            models.CheckConstraint(
                condition=Q(due_minor__gte=0, captured_minor__gte=0, credit_minor__gte=0, refunded_minor__gte=0),
                name="totals_are_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__lte=F("captured_minor")), name="totals_refund_what_was_captured"
            ),
            models.CheckConstraint(condition=Q(credit_minor=0) | Q(captured_minor=0), name="totals_credit_or_captured"),
        ]
        indexes = [
            models.Index(fields=["credit_minor"], name="totals_on_credit", condition=Q(credit_minor__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.due_minor} due"


class Notification(models.Model):
    """One genuine notification of a provider, kept so that a copy is known. Nothing of it but ids: it is only a hint to look."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account_id = models.UUIDField()
    event_id = models.CharField(max_length=100, help_text="The provider's id of it; copies have the same.")
    type = models.CharField(max_length=100)
    about = models.CharField(max_length=6, help_text="charge, refund or other.")
    key = models.CharField(max_length=100, blank=True, help_text="Our idempotency key of the charge or refund.")
    copies = models.PositiveIntegerField(default=0, help_text="How often it came again.")
    received_at = models.DateTimeField(db_default=models.functions.Now())
    heard_at = models.DateTimeField(null=True, help_text="When it was looked into.")
    outcome = models.CharField(max_length=60, blank=True, help_text="What the provider said when it was asked.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_id", "event_id"], name="notification_once"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
