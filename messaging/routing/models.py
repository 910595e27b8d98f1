"""How messages are routed, as data in `public`: what staff chose, which queues are served because of it, who has overflowed."""

from django.db import models
from django.db.models.functions import Now

from tenants.registry.models import Tenant, Tier
from wildrydes.kernel.ids import new_id


class StrategyName(models.TextChoices):
    """The strategies in `messaging.routing.strategies`, by name."""

    SHARED = "shared", "Shared"
    DEDICATED = "dedicated", "Dedicated"
    CELL = "cell", "Cell"
    SHUFFLE = "shuffle", "Shuffle"
    TIERED = "tiered", "Tiered"
    OVERFLOW = "overflow", "Overflow"
    FAIR = "fair", "Fair"


class RoutingChoice(models.Model):
    """Which strategy is in force for a tier or a tenant, in one queue class or, with an empty one, in all without a choice.

    A tenant's goes before its tier's, a class's before the one for all classes; without any it is `tiered`. Rows are changed by
    `messaging.routing.services` only, which lets every process know.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tier = models.ForeignKey(Tier, null=True, on_delete=models.CASCADE, related_name="+")
    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.CASCADE, related_name="+")
    queue_class = models.CharField(max_length=20, blank=True, default="")
    strategy = models.CharField(max_length=20, choices=StrategyName)
    options = models.JSONField(default=dict)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(tier__isnull=True) ^ models.Q(tenant__isnull=True), name="routing_tier_or_tenant"
            ),
            models.UniqueConstraint(fields=["tier", "queue_class"], name="routing_once_per_tier"),
            models.UniqueConstraint(fields=["tenant", "queue_class"], name="routing_once_per_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.tier_id or self.tenant_id} {self.queue_class or 'all'}: {self.strategy}"


class RoutingState(models.Model):
    """One row, whose number rises with each change, so that processes ask for one number and not for all rows."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    generation = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="routing_one_state")]

    def __str__(self) -> str:
        return f"Generation {self.generation}"


class ServedQueue(models.Model):
    """A queue that workers consume. The steward keeps them; one that nobody sends to any more stays until it is empty."""

    name = models.CharField(max_length=80, primary_key=True)
    queue_class = models.CharField(max_length=20)
    pool = models.CharField(max_length=20, help_text="The tier whose workers serve it, or platform: all.")
    weight = models.FloatField(default=1.0)
    retiring_since = models.DateTimeField(null=True, help_text="Since when nobody sends to it any more.")
    depth = models.PositiveIntegerField(default=0, help_text="Messages that waited when the steward last looked.")

    def __str__(self) -> str:
        return self.name


class EpisodeStage(models.TextChoices):
    """Where an episode stands."""

    MOVED = "moved", "Moved to its own queue"
    RETURNING = "returning", "Returning: its own queue is emptied"
    OVER = "over", "Over"


class EpisodeTrigger(models.TextChoices):
    """What moved the tenant."""

    BACKLOG = "backlog", "Its backlog"
    SLOW = "slow", "Its processing time"
    ERRORS = "errors", "Its errors"


class OverflowEpisode(models.Model):
    """A tenant that was moved to its overflow queue, from then until that was empty again; kept for support and billing.

    `backlog`, `seconds` (mean processing time) and `errors` (share, 0 to 1) are what was seen when it was moved.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    queue_class = models.CharField(max_length=20)
    queue = models.CharField(max_length=80)
    stage = models.CharField(max_length=9, choices=EpisodeStage, default=EpisodeStage.MOVED)
    trigger = models.CharField(max_length=7, choices=EpisodeTrigger)
    backlog = models.PositiveIntegerField()
    seconds = models.FloatField()
    errors = models.FloatField()
    most_waiting = models.PositiveIntegerField(help_text="The longest backlog that was seen meanwhile.")
    opened_at = models.DateTimeField(db_default=Now())
    calm_since = models.DateTimeField(null=True)
    returning_at = models.DateTimeField(null=True, help_text="When new messages went the usual way again.")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-opened_at"], name="episode_opened")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "queue_class"],
                condition=~models.Q(stage=EpisodeStage.OVER),
                name="episode_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.stage}"


class HandlingMeasure(models.Model):
    """What workers measured of a tenant that may overflow: sums over ten seconds, kept for some minutes."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    queue_class = models.CharField(max_length=20)
    began_at = models.DateTimeField()
    handled = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    seconds = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["began_at", "tenant_id", "queue_class"], name="measure_once_in_ten_seconds")
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.queue_class} {self.began_at}"
