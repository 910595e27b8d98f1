"""The fleet, in `public`: unicorns, where they are, and which time is promised to whom. Nothing of a tenant's own data."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Value

from wildrydes.kernel.ids import new_id


class UnicornStatus(models.TextChoices):
    """Whether the fleet's operator sends a unicorn out."""

    AVAILABLE = "available", "Available"
    OFF_DUTY = "off_duty", "Off duty"


class Unicorn(models.Model):
    """A unicorn of the fleet's operator, whose system is the source of everything here but `id` and `number`.

    `number` exists for the exclusion constraint of `Reservation`: ranges of integers have an operator class for GiST in
    PostgreSQL itself, plain UUIDs only with the extension btree_gist.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.BigIntegerField(
        unique=True, editable=False, db_default=Func(Value("fleet_unicorn_number"), function="nextval")
    )
    operator_ref = models.UUIDField(unique=True, help_text="The unicorn's id in the operator's system.")
    name = models.CharField(max_length=60)
    capacity = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(12)])
    status = models.CharField(max_length=10, choices=UnicornStatus)
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=UnicornStatus.values), name="unicorn_status_is_known"),
            models.CheckConstraint(condition=models.Q(capacity__range=(1, 12)), name="unicorn_capacity_is_sane"),
        ]

    def __str__(self) -> str:
        return self.name


class UnicornPosition(models.Model):
    """Where a unicorn was last seen. A row of its own, because it changes every few seconds.

    Only `cell` is indexed, so that a unicorn that stays in its cell costs a heap-only update (the table has a low fillfactor).
    """

    unicorn = models.OneToOneField(Unicorn, on_delete=models.CASCADE, primary_key=True, related_name="position")
    latitude = models.FloatField(help_text="Degrees, WGS 84.")
    longitude = models.FloatField(help_text="Degrees, WGS 84.")
    cell = models.BigIntegerField(db_index=True, help_text="H3 index at the fleet's resolution.")
    reported_at = models.DateTimeField(help_text="By the operator's clock, never later than ours.")

    def __str__(self) -> str:
        return f"{self.latitude:.5f}, {self.longitude:.5f}"


class Reservation(models.Model):
    """A unicorn's time promised to one booking. The row stays when the time is given back: `released_at` says so.

    The database itself refuses a second unreleased ride of the same unicorn that overlaps.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    unicorn = models.ForeignKey(
        Unicorn,
        to_field="number",
        db_column="unicorn_number",
        db_index=False,
        on_delete=models.PROTECT,
        related_name="reservations",
    )
    tenant_id = models.UUIDField()
    booking_id = models.UUIDField(unique=True, help_text="In the tenant's schema.")
    during = DateTimeRangeField(help_text="From the start (inclusive) to the end (exclusive) of the ride.")
    distance_m = models.PositiveIntegerField(
        help_text="From the unicorn to the pickup when it was reserved, in metres."
    )
    reserved_at = models.DateTimeField(db_default=models.functions.Now())
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="reservation_one_ride_at_a_time",
                expressions=[
                    (Func(F("unicorn"), F("unicorn"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    ("during", RangeOperators.OVERLAPS),
                ],
                condition=models.Q(released_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=models.Q(during__isempty=False, during__lower_inf=False, during__upper_inf=False),
                name="reservation_has_a_start_and_an_end",
            ),
        ]

        # Released rows are history and outnumber the others soon: looking for free unicorns does not read them.
        indexes = [
            models.Index(
                fields=["unicorn"], name="reservation_unreleased", condition=models.Q(released_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"booking {self.booking_id}"
