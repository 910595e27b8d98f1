"""The fleet, in `public`: unicorns, where they are, which time is promised to whom, and who is asked for offers.

Nothing of a tenant's own data: of rides and requests there are ids and times only.
"""

from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

from fleet.capabilities import SpeedClass
from wildrydes.kernel.ids import new_id

HOUSE = UUID("019a0000-0000-7000-8000-000000000001")
"""The operator whose feed `UNICORNS_URL` names; made by a migration."""


class Operator(models.Model):
    """Who runs unicorns: a company with a system of its own, which speaks for its unicorns."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    webhook_url = models.CharField(max_length=500, blank=True, help_text="Where requests are pushed to, if anywhere.")
    webhook_secret_sealed = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class SpeedChoices(models.TextChoices):
    """`fleet.capabilities.SpeedClass` as the database knows it."""

    TROT = SpeedClass.TROT.value
    CANTER = SpeedClass.CANTER.value
    GALLOP = SpeedClass.GALLOP.value


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
    speed_class = models.CharField(
        max_length=6, choices=SpeedChoices, default=SpeedChoices.CANTER, db_default=SpeedChoices.CANTER
    )
    extras = ArrayField(
        models.CharField(max_length=20), default=list, db_default=[], help_text="Codes of `fleet.capabilities.Extra`."
    )
    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="unicorns", default=HOUSE, db_default=HOUSE
    )
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(speed_class__in=SpeedChoices.values), name="unicorn_speed_is_known"),
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
    expires_at = models.DateTimeField(
        null=True, help_text="Until when it holds without being confirmed; null once it is, and then it stays."
    )

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
            ),
            models.Index(
                fields=["expires_at"],
                name="reservation_unconfirmed",
                condition=Q(released_at__isnull=True, expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"booking {self.booking_id}"


class Credential(models.Model):
    """With what an operator's system, or one unicorn, gets its tokens. Of the secret there is a hash only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    operator = models.ForeignKey(Operator, on_delete=models.CASCADE, related_name="credentials")
    unicorn = models.ForeignKey(
        Unicorn, on_delete=models.CASCADE, null=True, help_text="Null: it speaks for all of the operator's unicorns."
    )
    secret_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.id)


class Call(models.Model):
    """A call for offers: whose request it is and until when answers are taken. What is asked lies in the tenant's schema."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="The request's id in the tenant's schema.")
    tenant_id = models.UUIDField()
    closes_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "call for offers"
        verbose_name_plural = "calls for offers"
        indexes = [models.Index(fields=["closes_at"], name="call_open", condition=Q(closed_at__isnull=True))]

    def __str__(self) -> str:
        return f"call {self.id}"


class InquiryState(models.TextChoices):
    """How the question to one unicorn stands."""

    OPEN = "open", "Asked"
    ANSWERED = "answered"
    CLOSED = "closed", "Closed"
    WITHDRAWN = "withdrawn"
    WON = "won", "Its offer was taken"


class Inquiry(models.Model):
    """One unicorn that was asked by a call. `id` is the correlation id by which it knows the request."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="inquiries")
    unicorn = models.ForeignKey(Unicorn, on_delete=models.CASCADE, related_name="inquiries", db_index=False)
    state = models.CharField(max_length=9, choices=InquiryState, default=InquiryState.OPEN)
    asked_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "inquiries"
        constraints = [models.UniqueConstraint(fields=["call", "unicorn"], name="inquiry_asked_once")]
        indexes = [models.Index(fields=["unicorn", "state", "id"], name="inquiry_of_unicorn")]

    def __str__(self) -> str:
        return f"{self.state} inquiry {self.id}"
