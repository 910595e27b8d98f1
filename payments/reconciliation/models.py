"""Runs, what the provider's record says, the differences found, and statements. In the tenant's schema."""

from django.db import models
from django.db.models import Q

from wildrydes.kernel.ids import new_id


class RunKind(models.TextChoices):
    """What a run is for."""

    DAILY = "daily", "A day, compared in full and closed by a statement"
    ON_DEMAND = "on_demand", "Asked for by a person"
    OPEN = "open", "What is open or unknown"


class RunState(models.TextChoices):
    """How far a run is."""

    FETCHING = "fetching", "Reading the provider's record"
    COMPARING = "comparing", "Comparing"
    DONE = "done", "Done"
    FAILED = "failed", "Waits for its dead letter to be redriven"


UNFINISHED = (RunState.FETCHING, RunState.COMPARING, RunState.FAILED)


class Run(models.Model):
    """One comparison over a period, driven by a message per page: whoever dies, the next worker goes on at `cursor`.

    The period is from `period_start` up to and without `period_end`, UTC. There is one run per kind and period.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=9, choices=RunKind)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    state = models.CharField(max_length=9, choices=RunState, default=RunState.FETCHING)
    accounts = models.JSONField(
        default=list, help_text="The accounts whose records are read, by our ids; null is the built-in one."
    )
    source = models.PositiveSmallIntegerField(default=0, help_text="Which of them is being read.")
    cursor = models.CharField(max_length=200, blank=True, default="", help_text="Where the provider's record goes on.")
    step = models.PositiveIntegerField(default=0, help_text="Pages read; a message of another step does nothing.")
    movements = models.PositiveIntegerField(default=0, help_text="Rows of the provider's record that were read.")
    found = models.PositiveIntegerField(default=0, help_text="Differences, also those that were known.")
    repaired = models.PositiveIntegerField(default=0, help_text="Of these, repaired by itself.")
    note = models.CharField(max_length=200, blank=True, default="")
    asked_by = models.CharField(max_length=254, blank=True, default="", help_text="Empty: the schedule.")
    started_at = models.DateTimeField(db_default=models.functions.Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "period_start", "period_end"], name="run_once_per_period"),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(state__in=UNFINISHED) & ~Q(kind=RunKind.OPEN),
                name="run_one_at_a_time",
            ),
            models.CheckConstraint(condition=Q(period_end__gt=models.F("period_start")), name="run_has_a_period"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.period_start:%Y-%m-%d}"


class MovementKind(models.TextChoices):
    """What moved at the provider."""

    CHARGE = "charge", "Charge"
    REFUND = "refund", "Refund"


class Movement(models.Model):
    """One row of the provider's record, as it was read: the other side's evidence."""

    provider_ref = models.CharField(max_length=100, primary_key=True)
    account_id = models.UUIDField(null=True, help_text="Of which account of ours; none: the built-in one.")
    kind = models.CharField(max_length=6, choices=MovementKind)
    succeeded = models.BooleanField(help_text="Money moved; declined ones and those not decided yet are kept as well.")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    charge_ref = models.CharField(max_length=100, blank=True, default="", help_text="Of a refund: what it gives back.")
    reference = models.CharField(max_length=200, blank=True, default="")
    key = models.CharField(max_length=255, blank=True, default="", help_text="The idempotency key it came with.")
    moved_at = models.DateTimeField(db_index=True, help_text="By the provider's clock.")
    read_at = models.DateTimeField(db_default=models.functions.Now())

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_ref}"


class ItemKind(models.TextChoices):
    """What differs."""

    MISSING_HERE = "missing_here", "Charged there, unknown here"
    MISSING_THERE = "missing_there", "Captured here, unknown there"
    UNSETTLED = "unsettled", "Charged there, open here"
    DUPLICATE = "duplicate", "Charged twice"
    AMOUNT = "amount", "Charged with another amount"
    REFUND_MISSING_HERE = "refund_missing_here", "Refunded there, unknown here"
    REFUND_MISSING_THERE = "refund_missing_there", "Refunded here, unknown there"
    REFUND_UNSETTLED = "refund_unsettled", "Refunded there, open here"
    REFUND_AMOUNT = "refund_amount", "Refunded with another amount"
    BOOKS = "books", "Totals and ledger differ"


class Repair(models.TextChoices):
    """What is proposed. `payments/reconciliation/README.md` says which ones are done without a person."""

    SETTLE = "settle", "Record here what the provider has done"
    REFUND = "refund", "Give the stray charge back at the provider"
    ACCEPT = "accept", "Accept the provider's record: book the difference to discrepancies"
    ADOPT = "adopt", "Book what the totals have and the ledger has not"


class ItemState(models.TextChoices):
    """What has been done about a difference."""

    OPEN = "open", "Waits for a person"
    REPAIRING = "repairing", "Being repaired"
    REPAIRED = "repaired", "Repaired"
    VANISHED = "vanished", "Not there any more"
    CLOSED = "closed", "Closed by a person, with a reason"


class Item(models.Model):
    """One difference, once: found again, it is the same item. `subject` is the provider's id, or ours where it has none."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="items")
    kind = models.CharField(max_length=20, choices=ItemKind)
    subject = models.CharField(max_length=100)
    booking_id = models.UUIDField(null=True, db_index=True)
    charge_id = models.UUIDField(null=True)
    refund_id = models.UUIDField(null=True)
    provider_ref = models.CharField(max_length=100, blank=True, default="")
    difference_minor = models.BigIntegerField(help_text="Our provider account less the provider's record.")
    currency = models.CharField(max_length=3)
    ours = models.JSONField(default=dict, help_text="What our books say, field by field.")
    theirs = models.JSONField(default=dict, help_text="What the provider's record says.")
    proposal = models.CharField(max_length=6, choices=Repair)
    is_safe = models.BooleanField(help_text="Repaired without a person.")
    state = models.CharField(max_length=9, choices=ItemState, default=ItemState.OPEN)
    note = models.CharField(max_length=500, blank=True, default="")
    resolved_by = models.CharField(max_length=254, blank=True, default="")
    found_at = models.DateTimeField(db_default=models.functions.Now())
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="item_once")]
        indexes = [
            models.Index(fields=["found_at"], name="item_open", condition=Q(state__in=["open", "repairing"])),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Statement(models.Model):
    """A day's movements in one currency, in minor units, and how the closing balance compares with the provider's.

    Written once; the database refuses changes. `sha256` is over `payments.reconciliation.statements.canonical`, and in the
    journal as `payments.statement_closed`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="statements")
    day = models.DateField(help_text="UTC.")
    currency = models.CharField(max_length=3)
    opening_minor = models.BigIntegerField()
    captured_minor = models.BigIntegerField()
    credit_captured_minor = models.BigIntegerField(help_text="Store credit of earlier rides captured.")
    refunded_minor = models.BigIntegerField()
    adjusted_minor = models.BigIntegerField()
    closing_minor = models.BigIntegerField()
    credit_opening_minor = models.BigIntegerField()
    credit_given_minor = models.BigIntegerField()
    credit_paid_minor = models.BigIntegerField()
    credit_forgiven_minor = models.BigIntegerField()
    credit_closing_minor = models.BigIntegerField()
    provider_opening_minor = models.BigIntegerField()
    provider_charged_minor = models.BigIntegerField()
    provider_refunded_minor = models.BigIntegerField()
    provider_closing_minor = models.BigIntegerField()
    in_transit_minor = models.BigIntegerField(help_text="On this day on one side, on another day on the other.")
    open_minor = models.BigIntegerField(help_text="Differences that are items.")
    unexplained_minor = models.BigIntegerField(help_text="Zero, or something is wrong that nobody has found.")
    sha256 = models.CharField(max_length=64)
    closed_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "currency"], name="statement_once"),
            models.CheckConstraint(
                condition=Q(
                    closing_minor=models.F("opening_minor")
                    + models.F("captured_minor")
                    + models.F("credit_captured_minor")
                    - models.F("refunded_minor")
                    + models.F("adjusted_minor")
                ),
                name="statement_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    credit_closing_minor=models.F("credit_opening_minor")
                    + models.F("credit_given_minor")
                    - models.F("credit_paid_minor")
                    - models.F("credit_forgiven_minor")
                ),
                name="statement_credit_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.currency}"
