"""The company's webhook endpoint and what was pushed to it. Lives in the tenant's schema."""

from django.db import models
from django.db.models import Q


class EndpointState(models.TextChoices):
    """How the endpoint is doing."""

    ACTIVE = "active", "Answers"
    FAILING = "failing", "A message was given up; pushes go on"
    DISABLED = "disabled", "Answered 410 Gone; nothing is pushed until it is set again"


class Endpoint(models.Model):
    """Where the company wants to be told. One row at most.

    Secrets are sealed with `FIELD_ENCRYPTION_KEY`; the previous one signs along until `previous_valid_until`, so that a
    receiver can change over without losing a message.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    url = models.CharField(max_length=500)
    secret_sealed = models.TextField()
    previous_secret_sealed = models.TextField(blank=True)
    previous_valid_until = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=EndpointState, default=EndpointState.ACTIVE)
    state_since = models.DateTimeField(db_default=models.functions.Now())
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="webhook_endpoint_is_one_row")]

    def __str__(self) -> str:
        return f"{self.state} endpoint"


class PushState(models.TextChoices):
    """How one message's push stands."""

    PENDING = "pending", "Being tried"
    DELIVERED = "delivered"
    FAILED = "failed", "Given up"


class Push(models.Model):
    """One message to the endpoint; `id` is the message's, which receivers see as `webhook-id`."""

    id = models.UUIDField(primary_key=True, editable=False)
    type = models.CharField(max_length=80)
    booking_id = models.UUIDField()
    state = models.CharField(max_length=9, choices=PushState, default=PushState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    response_status = models.PositiveSmallIntegerField(null=True, help_text="The final answer's HTTP status.")
    failure = models.CharField(max_length=300, blank=True, help_text="Why it was given up.")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "pushes"

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
