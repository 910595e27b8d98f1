"""Deliveries and dead letters, in `public`: ids, states, error class and fingerprint only. No tenant's payload is ever here."""

from django.db import models

from wildrydes.kernel.ids import new_id


class Delivery(models.Model):
    """One message on its way to one handler; exists until that is done, then a trace in the tenant's schema takes its place.

    The row is the truth; what waits in the broker only wakes a worker. States follow from the columns:

    - waiting: `claim_id` is null; claimable once `not_before` has passed;
    - claimed: `claim_id` is set and `lease_until` is in the future;
    - abandoned: `claim_id` is set and `lease_until` has passed (its worker died or hung).

    `due_at`, the one indexed column that changes, is when the sweeper looks at the row next; a claim does not touch it, so
    that claims and heartbeats are heap-only updates. All times are the database's clock.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant_id = models.UUIDField(null=True, help_text="Null for platform messages.")
    message_id = models.UUIDField()
    correlation_id = models.UUIDField()
    topic = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField()
    handler = models.CharField(max_length=80)
    queue_class = models.CharField(max_length=20)
    epoch = models.PositiveIntegerField(default=0, help_text="Rises whenever the row becomes claimable again.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often the handler raised.")
    crashes = models.PositiveSmallIntegerField(default=0, help_text="How often the lease ran out.")
    sends = models.PositiveIntegerField(
        default=0, help_text="How often a wake-up was sent in this epoch by the sweeper."
    )
    claim_id = models.UUIDField(null=True)
    claimed_by = models.CharField(max_length=100, default="")
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField()
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, help_text="After this it is dead-lettered instead of tried again.")
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["due_at"], name="delivery_due_at"),
            models.Index(fields=["tenant_id"], name="delivery_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.handler} {self.id}"


class DeadReason(models.TextChoices):
    """Why a delivery was given up."""

    ATTEMPTS = "attempts", "Its handler failed too often"
    CRASHES = "crashes", "Its worker died too often"
    EXPIRED = "expired", "Its time to live ran out"
    REJECTED = "rejected", "Its handler said that it can never succeed"


class DeadLetterState(models.TextChoices):
    """What has been done about a dead letter."""

    OPEN = "open"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"
    OBSOLETE = "obsolete"


class DeadLetter(models.Model):
    """A delivery that could not be done. Its business outcome was committed with it; a person or a job works on the letter."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="The delivery's id.")
    tenant_id = models.UUIDField(null=True, db_index=True)
    message_id = models.UUIDField()
    correlation_id = models.UUIDField(db_index=True)
    topic = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField()
    handler = models.CharField(max_length=80)
    queue_class = models.CharField(max_length=20)
    reason = models.CharField(max_length=10, choices=DeadReason)
    error_class = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(max_length=16, db_index=True, help_text="Equal for letters with the same cause.")
    attempts = models.PositiveSmallIntegerField()
    crashes = models.PositiveSmallIntegerField()
    outcome_committed = models.BooleanField(
        help_text="False when the outcome itself could not be committed: look at this one first."
    )
    accepted_at = models.DateTimeField(help_text="When the message was sent or published.")
    died_at = models.DateTimeField(db_default=models.functions.Now())
    state = models.CharField(max_length=10, choices=DeadLetterState, default=DeadLetterState.OPEN)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=254, blank=True)
    resolution_note = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "died_at"], name="deadletter_state_died")]

    def __str__(self) -> str:
        return f"{self.handler} {self.id}"


class BrokerIncarnation(models.Model):
    """Which life of Redis the deliveries were last sent to; another stamp there means that Redis has lost what it held."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stamp = models.UUIDField()
    seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="broker_incarnation_is_one_row")]

    def __str__(self) -> str:
        return str(self.stamp)
