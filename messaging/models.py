"""Deliveries and dead letters, in `public`: ids, states, error class and fingerprint only. No tenant's payload is ever here."""

from django.db import models

from messaging.journal.chains import Chain as Chain
from messaging.routing.models import HandlingMeasure as HandlingMeasure
from messaging.routing.models import OverflowEpisode as OverflowEpisode
from messaging.routing.models import RoutingChoice as RoutingChoice
from messaging.routing.models import RoutingState as RoutingState
from messaging.routing.models import ServedQueue as ServedQueue
from wildrydes.kernel.ids import new_id


class Delivery(models.Model):
    """One message on its way to one handler; exists until that is done, then a trace in the tenant's schema takes its place.

    The row is the truth; what waits in the broker only wakes a worker. States follow from the columns:

    - waiting: `claim_id` is null; claimable once `not_before` has passed;
    - claimed: `claim_id` is set and `lease_until` is in the future;
    - abandoned: `claim_id` is set and `lease_until` has passed (its worker died or hung).

    `due_at` is when the sweeper looks at the row next. A claim brings it forward to the end of its lease; as a fresh row is
    looked at before that anyway, its claim changes no indexed value, so that claims and heartbeats are heap-only updates.
    All times are the database's clock.
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
    parked_in = models.CharField(
        max_length=120,
        default="",
        db_default="",
        help_text="The queue that was too long to send this again; sent when it gets shorter.",
    )
    put_backs = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often in a row it was put back uncounted: nobody could work on it."
    )
    put_back_since = models.DateTimeField(null=True, help_text="The first of these; after a day it is given up.")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    letter_id = models.UUIDField(null=True, help_text="The dead letter that this delivery redrives, if any.")

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["due_at"], name="delivery_due_at"),
            models.Index(fields=["parked_in", "id"], name="delivery_parked", condition=models.Q(parked_in__gt="")),
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
    STRANDED = "stranded", "Nobody could work on it: its handler, its schema or its tenant was not there for a day"


class DeadLetterState(models.TextChoices):
    """What has been done about a dead letter. A redriven one that dies again is open again."""

    OPEN = "open", "Open"
    REDRIVING = "redriving", "Being redriven"
    REDRIVEN = "redriven", "Redriven"
    OBSOLETE = "obsolete", "Obsolete"
    REPLACED = "replaced", "Edited and sent"
    DISCARDED = "discarded", "Discarded"


class DeadLetter(models.Model):
    """A delivery that could not be done. Its business outcome was committed with it; a person or a job works on the letter.

    `died_at` stays when a redriven letter dies again, so that its age tells how long nobody has repaired it; the cause
    (`reason`, `error_class`, `fingerprint`, `attempts`, `crashes`) is that of the last death.
    """

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
    last_died_at = models.DateTimeField(db_default=models.functions.Now())
    state = models.CharField(max_length=10, choices=DeadLetterState, default=DeadLetterState.OPEN)
    redrives = models.PositiveIntegerField(default=0, db_default=0, help_text="How often it was sent again.")
    delivery_id = models.UUIDField(null=True, help_text="The delivery of the last redrive.")
    redriven_at = models.DateTimeField(null=True, help_text="When it was last sent again.")
    redriven_by = models.CharField(max_length=254, blank=True, default="", db_default="")
    replaced_by = models.UUIDField(null=True, help_text="The edited message that was sent in its place.")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=254, blank=True)
    resolution_note = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "died_at"], name="deadletter_state_died")]
        permissions = [
            ("redrive_deadletter", "Can redrive dead letters"),
            ("discard_deadletter", "Can discard dead letters"),
            ("edit_deadletter", "Can edit a dead letter's message and send it"),
            ("view_deadletter_payload", "Can look at a dead letter's payload and errors"),
        ]

    def __str__(self) -> str:
        return f"{self.handler} {self.id}"


class RunState(models.TextChoices):
    """Where a redrive run stands. Planning, draft, canary, canary done, running and paused are open; the others are final."""

    PLANNING = "planning", "The dry run is being made"
    DRAFT = "draft", "Planned; nothing is sent yet"
    CANARY = "canary", "One letter was sent; its outcome is awaited"
    CANARY_DONE = "canary_done", "The canary's outcome is there"
    RUNNING = "running", "Sending"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"
    STOPPED = "stopped", "Stopped, because its canary failed"


class RedriveRun(models.Model):
    """Many letters redriven as one: a dry run, a canary, then the rest at a rate.

    The driver is a platform message per step (see `messaging.deadletters.redriving`); `generation` tells its present chain of
    messages from those that a pause has ended.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    state = models.CharField(max_length=11, choices=RunState, default=RunState.PLANNING)
    selection = models.JSONField(help_text="Which letters: the filter's fields as text, without those left open.")
    rate = models.FloatField(help_text="Letters per second.")
    max_failures = models.PositiveIntegerField(help_text="It pauses itself when so many have died again.")
    note = models.CharField(max_length=300, blank=True, help_text="Why it paused or stopped by itself.")
    actor_kind = models.CharField(max_length=7)
    actor_id = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    planned_at = models.DateTimeField(null=True, help_text="When the dry run was complete.")
    finished_at = models.DateTimeField(null=True)
    matched = models.PositiveIntegerField(default=0, help_text="How many letters the selection found.")
    left_out = models.PositiveIntegerField(default=0, help_text="How many of them are in another open run.")
    gathered_at = models.DateTimeField(
        null=True, help_text="How far planning has come: the last letter's time of death."
    )
    gathered_id = models.UUIDField(null=True, help_text="And its id.")
    generation = models.PositiveIntegerField(default=0)
    failures_forgiven = models.PositiveIntegerField(default=0, help_text="Those before it was last resumed.")
    allowance = models.FloatField(default=0.0, help_text="How many letters the rate allows to be sent now.")
    stepped_at = models.DateTimeField(null=True, help_text="When the allowance was last counted.")

    class Meta:
        indexes = [models.Index(fields=["-created_at"], name="redriverun_created")]

    def __str__(self) -> str:
        return f"Redrive run {self.id}"


class ItemState(models.TextChoices):
    """What a run did with one letter."""

    WAITING = "waiting", "Not sent yet"
    SENT = "sent", "Sent; its outcome is awaited"
    REDRIVEN = "redriven", "Done"
    OBSOLETE = "obsolete", "There was nothing to do any more"
    FAILED = "failed", "Died again"
    SKIPPED = "skipped", "Could not be sent"
    LEFT = "left", "Not sent: the run ended before"


class RedriveItem(models.Model):
    """One letter in one run: what the dry run said, and what became of it. A letter is in one open run at most."""

    run = models.ForeignKey(RedriveRun, on_delete=models.CASCADE, related_name="items", db_index=False)
    letter_id = models.UUIDField(help_text="Plain: letters are removed when their time is over, runs are kept longer.")
    tenant_id = models.UUIDField(null=True)
    state = models.CharField(max_length=8, choices=ItemState, default=ItemState.WAITING)
    is_canary = models.BooleanField(default=False)
    verdict = models.CharField(
        max_length=8, blank=True, help_text="The dry run's; empty until it has come to this letter."
    )
    summary = models.CharField(max_length=300, blank=True)
    money_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    delivery_id = models.UUIDField(null=True, db_index=True)
    result = models.CharField(max_length=300, blank=True, help_text="Why it was skipped, or the class of its error.")
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["run", "state", "id"], name="redriveitem_run_state")]
        constraints = [
            models.UniqueConstraint(fields=["run", "letter_id"], name="redriveitem_once_in_a_run"),
            models.UniqueConstraint(
                fields=["letter_id"],
                condition=models.Q(state__in=["waiting", "sent"]),
                name="redriveitem_in_one_open_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter_id}: {self.state}"


class JobRun(models.Model):
    """When a scheduled job began last, so that ticks that piled up do not run it again and again."""

    name = models.CharField(primary_key=True, max_length=80)
    began_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class BrokerIncarnation(models.Model):
    """Which life of Redis the deliveries were last sent to; another stamp there means that Redis has lost what it held."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stamp = models.UUIDField()
    seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="broker_incarnation_is_one_row")]

    def __str__(self) -> str:
        return str(self.stamp)


class ProcessBeat(models.Model):
    """A process that was there at `seen_at`; see `messaging.beats`."""

    name = models.CharField(primary_key=True, max_length=150, help_text="Kind, host and process number.")
    kind = models.CharField(max_length=20)
    about = models.CharField(max_length=100, blank=True, help_text="What it serves: a worker's tiers.")
    started_at = models.DateTimeField(db_default=models.functions.Now())
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
