"""The journal: every message of a tenant with its payload, what became of it, and what went wrong.

`public` has the same tables for platform messages (onboarding and its kin). Triggers keep messages, traces and segments as
they were written (migration 0006); README.md says what may be deleted, and by whom.
"""

from django.db import models

from wildrydes.kernel.ids import new_id


class MessageKind(models.TextChoices):
    """An event says what happened and has any number of subscribers; a command asks and has exactly one handler."""

    EVENT = "event"
    COMMAND = "command"


class Message(models.Model):
    """One message, immutable. Deliveries elsewhere point here by id: the claim check pattern.

    A new column is covered by the seal only after a new version of `messaging.journal.encoding`; a test asks for it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=8, choices=MessageKind)
    topic = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField()
    payload = models.JSONField()
    correlation_id = models.UUIDField(db_index=True)
    causation_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField(db_default=models.functions.Now())
    position = models.BigIntegerField(
        db_default=models.Func(models.Value("journal_message_position_seq"), function="nextval"),
        editable=False,
        help_text="The order in which messages are sealed; 0 for those older than the column.",
    )

    class Meta:
        indexes = [models.Index(fields=["position", "id"], name="journal_message_position")]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class Segment(models.Model):
    """A sealed run of messages: a link of the hash chain. Written once; retention empties it of messages and keeps the row.

    It covers all messages whose (position, id) lies above `after` and up to `upto`, that bound included.
    """

    number = models.PositiveBigIntegerField(primary_key=True, help_text="1, 2, 3 … without gaps.")
    encoding = models.PositiveSmallIntegerField(help_text="The version of what was hashed, and how.")
    after_position = models.BigIntegerField()
    after_id = models.UUIDField()
    upto_position = models.BigIntegerField()
    upto_id = models.UUIDField()
    count = models.PositiveIntegerField()
    first_at = models.DateTimeField(help_text="The earliest `occurred_at` in it.")
    last_at = models.DateTimeField(help_text="The latest.")
    sealed_at = models.DateTimeField()
    previous_hash = models.BinaryField()
    content_hash = models.BinaryField(help_text="SHA-256 of `leaves`, which it outlives.")
    hash = models.BinaryField(help_text="SHA-256 of all of the above with the chain's id; the next segment names it.")
    leaves = models.BinaryField(null=True, help_text="Id, position and digest of each message; null once purged.")
    purged_at = models.DateTimeField(null=True, help_text="When retention deleted its messages.")

    class Meta:
        indexes = [models.Index(fields=["number"], condition=models.Q(purged_at=None), name="journal_segment_unpurged")]

    def __str__(self) -> str:
        return f"segment {self.number}"


class TraceOutcome(models.TextChoices):
    """How one delivery ended."""

    DONE = "done"
    DEAD = "dead", "dead-lettered"
    OBSOLETE = "obsolete"


class Trace(models.Model):
    """What is left of a delivery once its row is gone: part of the audit trail and the story of a booking."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="The delivery's id.")
    message_id = models.UUIDField(db_index=True)
    correlation_id = models.UUIDField(db_index=True)
    handler = models.CharField(max_length=80)
    outcome = models.CharField(max_length=10, choices=TraceOutcome)
    attempts = models.PositiveSmallIntegerField(help_text="How often the handler raised.")
    crashes = models.PositiveSmallIntegerField(help_text="How often its lease ran out.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_default=models.functions.Now())
    worker = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"{self.handler} {self.outcome}"


class HandlerError(models.Model):
    """One failed attempt, with what support needs to understand it. Texts may hold personal data: they stay in this schema."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    delivery_id = models.UUIDField(db_index=True)
    message_id = models.UUIDField()
    correlation_id = models.UUIDField(db_index=True)
    handler = models.CharField(max_length=80)
    attempt = models.PositiveSmallIntegerField()
    error_class = models.CharField(max_length=200)
    text = models.TextField()
    traceback = models.TextField()
    happened_at = models.DateTimeField(db_default=models.functions.Now())

    def __str__(self) -> str:
        return f"{self.handler}: {self.error_class}"


class OutboundCall(models.Model):
    """One HTTP call to the outside that was made while a message was handled: where to, for what, and how it ended.

    Never queries, headers or bodies. Written right after the call and not with the handler's effects, so that calls of
    failed attempts are here too. `id` is a UUIDv7: rows sort by age.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    delivery_id = models.UUIDField(null=True)
    message_id = models.UUIDField()
    correlation_id = models.UUIDField(db_index=True)
    attempt = models.PositiveSmallIntegerField(help_text="Of the delivery, counted from 1.")
    purpose = models.CharField(max_length=40, help_text="What the call was for, such as `charge`.")
    method = models.CharField(max_length=10)
    host = models.CharField(max_length=270, help_text="Empty for an address that could not be read.")
    path = models.CharField(max_length=300, blank=True, help_text="Empty for addresses that people typed in.")
    status = models.PositiveSmallIntegerField(null=True, help_text="The answer's HTTP status; null without an answer.")
    error = models.CharField(max_length=100, blank=True, help_text="The error's class; empty after a whole answer.")
    started_at = models.DateTimeField(help_text="By the database's clock.")
    duration_ms = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.purpose} {self.method} {self.host}"
