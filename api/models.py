"""What all endpoints share, in each tenant's schema: operations and idempotency keys."""

from django.db import models
from django.db.models.functions import Now

from wildrydes.kernel.ids import new_id


class OperationStatus(models.TextChoices):
    """Where an operation stands. The last four are final and never change again."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN_STATUSES = (OperationStatus.ACCEPTED, OperationStatus.RUNNING)


class Operation(models.Model):
    """Work that was accepted with a `202` and what became of it (asynchronous request-response).

    `user_id` and `resource_id` are plain ids: an operation knows nothing of what it is about. `deadline_at` is when its owner
    has ended it; a while later it is ended here, whatever happened.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=40, help_text="What is done, such as `booking`.")
    status = models.CharField(max_length=10, choices=OperationStatus, default=OperationStatus.ACCEPTED)
    user_id = models.UUIDField()
    resource_path = models.CharField(max_length=200, help_text="Path of the resource that is made or changed.")
    resource_id = models.UUIDField()
    correlation_id = models.UUIDField()
    steps = models.JSONField(default=list, help_text='What has been reached so far: [{"name": …, "at": …}].')
    result = models.JSONField(null=True)
    error = models.JSONField(null=True, help_text="A problem document (RFC 9457).")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    deadline_at = models.DateTimeField()
    cancel_requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["user_id", "-id"], name="operation_of_user")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=OPEN_STATUSES, finished_at__isnull=True)
                | (~models.Q(status__in=OPEN_STATUSES) & ~models.Q(finished_at__isnull=True)),
                name="operation_finished_when_final",
            ),
            models.CheckConstraint(
                condition=models.Q(result__isnull=True) | models.Q(status=OperationStatus.SUCCEEDED),
                name="operation_result_of_success",
            ),
            models.CheckConstraint(condition=models.Q(status__in=OperationStatus), name="operation_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} {self.status}"

    @property
    def is_final(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.status not in OPEN_STATUSES

    @property
    def path(self) -> str:
        """Where clients read it."""
        return f"/api/v1/operations/{self.id}"


class IdempotencyKey(models.Model):
    """A client's key for one request and the answer to it. The row commits with what the request did.

    Only successes are kept: a refused request may be corrected and sent again under its key.
    """

    pk = models.CompositePrimaryKey("user_id", "key")
    user_id = models.UUIDField()
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body, in hex.")
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status; null only inside the transaction.")
    headers = models.JSONField(default=dict)
    body = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        # Support staff are told a key and not whose it is.
        indexes = [models.Index(fields=["key"], name="idempotencykey_key")]

    def __str__(self) -> str:
        return self.key
